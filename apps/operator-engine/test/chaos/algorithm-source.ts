import type { Behaviour } from './schedule.ts'

/** The exit code of a `failing` algorithm. */
export const FAILING_CODE = 7

/** One thing that an algorithm said of its own life. */
export interface RunLine {
  /** Names one life of the algorithm. */
  readonly run: string
  readonly what: 'begun' | 'alive' | 'done' | 'overlapped'
  readonly atMs: number
}

/** How an algorithm says something of its life: in lines of a file, or in names of files, where nobody can look inside. */
const SAY = {
  lines: `
const run = require('crypto').randomUUID()
const say = (what) => fs.appendFileSync('/data/outputs/runs', run + ' ' + what + ' ' + Date.now() + '\\n')
const beat = setInterval(() => say('alive'), 50)`,
  names: `
const run = require('os').hostname()
const say = (what) => fs.writeFileSync('/data/outputs/' + what + '.' + run + '.' + Date.now(), what)
const beat = undefined`,
}

/**
 * An algorithm that can tell whether it ran twice: each life says when it began and ended under a name of its own, and
 * holds a lock file. It lives as long as it is told, so that a second life has time to meet the first.
 * @param lives where it says so: in the file `runs`, with a name of its own choice; or in names of files, with its pod's
 */
export function buildAlgorithmSource(behaviour: Behaviour, lastsMs: number, lives: keyof typeof SAY): string {
  return `
const fs = require('fs')${SAY[lives]}
let locked = true
try { fs.writeFileSync('/data/outputs/lock', run, { flag: 'wx' }) } catch { locked = false }
say('begun')
if (!locked) say('overlapped')
setTimeout(() => {
  clearInterval(beat)
  if (locked) fs.rmSync('/data/outputs/lock')
  say('done')
  process.exit(${behaviour === 'failing' ? FAILING_CODE : 0})
}, ${lastsMs})
`
}

/** Reads the file `runs`; a line that is not whole yet is left out. */
export function parseRunLines(text: string): RunLine[] {
  return text.split('\n').flatMap((line) => parseRun(/^(?<run>\S+) (?<what>[a-z]+) (?<at>\d{13})$/.exec(line)))
}

/** Reads the names of files; those of others are left out. */
export function parseRunNames(names: readonly string[]): RunLine[] {
  return names.flatMap((name) => parseRun(/^(?<what>[a-z]+)\.(?<run>\S+)\.(?<at>\d{13})$/.exec(name)))
}

function parseRun(match: RegExpExecArray | null): RunLine[] {
  const { run, what, at } = match?.groups ?? {}
  return run && what ? [{ run, what: what as RunLine['what'], atMs: Number(at) }] : []
}
