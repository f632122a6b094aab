import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { watchFamily, type ProcessFamily } from './process-family.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** A run of the program, as a user would start it. */
export interface StackRun {
  readonly pid: number
  readonly family: ProcessFamily
  /** Everything it said so far, on both streams. */
  output(): string
  /** Resolves when it has said this; rejects, with its words, when it ends without. */
  said(text: string | RegExp): Promise<void>
  kill(signal: NodeJS.Signals): void
  /** Closes our ends of its streams, as a closed terminal does. */
  stopReading(): void
  readonly exitCode: Promise<number | null>
}

/** Starts the built program. Throws where it is not built. */
export function runLocalStack(...args: string[]): StackRun {
  if (!existsSync(PROGRAM)) throw new Error('build first: npm run build')
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  if (child.pid === undefined) throw new Error('the program cannot be started')
  let output = ''
  let isOver = false
  const listeners = new Set<() => void>()
  const tell = (): void => listeners.forEach((listener) => listener())
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      tell()
    })
  }
  const exitCode = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      isOver = true
      resolve(code)
      tell()
    })
  })
  return {
    pid: child.pid,
    family: watchFamily(child.pid),
    output: () => output,
    said: (text) =>
      new Promise((resolve, reject) => {
        const listener = (): void => {
          if (typeof text === 'string' ? output.includes(text) : text.test(output)) {
            listeners.delete(listener)
            resolve()
          } else if (isOver) {
            listeners.delete(listener)
            reject(new Error(`it ended without saying ${String(text)}:\n${output}`))
          }
        }
        listeners.add(listener)
        listener()
      }),
    kill: (signal) => {
      child.kill(signal)
    },
    stopReading: () => {
      child.stdout.destroy()
      child.stderr.destroy()
    },
    exitCode,
  }
}
