import { spawnGuarded, type GuardedChild } from '@c2d/dev-servers'

const KEPT_LINES = 60

/** A place for one engine process after another. None outlives this process. */
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
  const asked = new WeakSet<GuardedChild>()
  let child: GuardedChild | undefined

  /** To the process that lives here; nothing happens where none does, or it ended in this very moment. */
  function send(signal: NodeJS.Signals): void {
    if (child?.pid === undefined) return
    try {
      process.kill(child.pid, signal)
    } catch {
      // it is gone, which `exited` tells
    }
  }

  return {
    start() {
      if (child) return
      const started = spawnGuarded({
        command: process.execPath,
        args: [entry],
        env,
        stopSignal: 'SIGTERM',
        stopGraceMs: 1_000,
        onLog(line) {
          lines.push(line)
          lines.splice(0, lines.length - KEPT_LINES)
        },
      })
      child = started
      void started.exited.then(({ code, signal }) => {
        if (child === started) child = undefined
        if (!asked.has(started)) unasked.push(`ended by itself with ${signal ?? code}: ${lines.slice(-4).join(' | ')}`)
      })
    },
    async end(signal, graceMs = 10_000) {
      const ending = child
      if (!ending) return
      asked.add(ending)
      send('SIGCONT') // a frozen process hears nothing but SIGKILL
      send(signal)
      const force = setTimeout(() => send('SIGKILL'), graceMs)
      await ending.exited
      clearTimeout(force)
    },
    freeze: () => send('SIGSTOP'),
    thaw: () => send('SIGCONT'),
    unasked: () => unasked,
    lastWords: () => lines.slice(-15).join('\n'),
  }
}
