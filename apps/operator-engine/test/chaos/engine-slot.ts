import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

const KEPT_LINES = 60

/** A place for one engine process after another. */
export interface EngineSlot {
  start(): void
  /** Ends the process as told and waits for it. SIGTERM is given `graceMs`, then it is forced. */
  end(signal: 'SIGKILL' | 'SIGTERM', graceMs?: number): Promise<void>
  freeze(): void
  thaw(): void
  /** Ends of the process that nobody asked for, with its last words. */
  unasked(): string[]
  /** Its last lines. */
  lastWords(): string
}

/**
 * @param entry the engine's built program
 * @param env its whole environment
 */
export function createEngineSlot(entry: string, env: Readonly<Record<string, string>>): EngineSlot {
  const lines: string[] = []
  const unasked: string[] = []
  const asked = new WeakSet<ChildProcess>()
  let child: ChildProcess | undefined

  const lives = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null

  return {
    start() {
      if (lives()) return
      const started = spawn(process.execPath, [entry], { env, stdio: ['ignore', 'pipe', 'pipe'] })
      child = started
      const keep = (chunk: Buffer): void => {
        lines.push(...chunk.toString().trimEnd().split('\n'))
        lines.splice(0, lines.length - KEPT_LINES)
      }
      started.stdout.on('data', keep)
      started.stderr.on('data', keep)
      started.once('exit', (code, signal) => {
        if (!asked.has(started)) unasked.push(`ended by itself with ${signal ?? code}: ${lines.slice(-4).join(' | ')}`)
      })
    },
    async end(signal, graceMs = 10_000) {
      const ending = child
      if (!ending || !lives()) return
      asked.add(ending)
      const exited = once(ending, 'exit')
      ending.kill('SIGCONT') // a frozen process hears nothing but SIGKILL
      ending.kill(signal)
      const force = setTimeout(() => ending.kill('SIGKILL'), graceMs)
      await exited
      clearTimeout(force)
    },
    freeze() {
      if (lives()) child?.kill('SIGSTOP')
    },
    thaw() {
      if (lives()) child?.kill('SIGCONT')
    },
    unasked: () => unasked,
    lastWords: () => lines.slice(-15).join('\n'),
  }
}
