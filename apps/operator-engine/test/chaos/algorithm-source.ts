import type { Behaviour } from './schedule.ts'

/** The exit code of a `failing` algorithm. */
export const FAILING_CODE = 7

/** One line of the file `runs` that the algorithm keeps among its outputs. */
export interface RunLine {
  /** Names one life of the algorithm. */
  readonly run: string
  readonly what: 'begun' | 'alive' | 'done' | 'overlapped'
  readonly atMs: number
}

/**
 * An algorithm that can tell whether it ran twice: each life writes lines under a name of its own, and holds a lock
 * file. It lives as long as it is told, so that a second life has time to meet the first.
 */
export function buildAlgorithmSource(behaviour: Behaviour, lastsMs: number): string {
  return `
const fs = require('fs')
const run = require('crypto').randomUUID()
const say = (what) => fs.appendFileSync('/data/outputs/runs', run + ' ' + what + ' ' + Date.now() + '\\n')
let locked = true
try { fs.writeFileSync('/data/outputs/lock', run, { flag: 'wx' }) } catch { locked = false }
say('begun')
if (!locked) say('overlapped')
const beat = setInterval(() => say('alive'), 50)
setTimeout(() => {
  clearInterval(beat)
  if (locked) fs.rmSync('/data/outputs/lock')
  say('done')
  process.exit(${behaviour === 'failing' ? FAILING_CODE : 0})
}, ${lastsMs})
`
}

/** Reads the file `runs`; a line that is not whole yet is left out. */
export function parseRuns(text: string): RunLine[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\S+) (begun|alive|done|overlapped) (\d{13})$/.exec(line)
    const [, run, what, atMs] = match ?? []
    return run && what ? [{ run, what: what as RunLine['what'], atMs: Number(atMs) }] : []
  })
}
