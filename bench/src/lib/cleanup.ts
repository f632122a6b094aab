/** What a bench started and must end again, whichever way it ends itself. */
export interface Cleanup {
  /** Adds what ends the thing that was just started. */
  add(end: () => Promise<unknown> | undefined): void
  /** Ends everything, the newest first. Safe to repeat: later calls wait for the first. */
  run(): Promise<void>
}

/** Creates an empty cleanup that also runs, once, at Ctrl-C and SIGTERM; then the program ends. */
export function createCleanup(): Cleanup {
  const ends: (() => Promise<unknown> | undefined)[] = []
  let running: Promise<void> | undefined

  async function endAll(): Promise<void> {
    for (let end = ends.pop(); end; end = ends.pop()) await end()
  }

  const cleanup: Cleanup = {
    add: (end) => void ends.push(end),
    run: () => (running ??= endAll()),
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      const leave = (): void => process.exit(130)
      cleanup.run().then(leave, leave)
    })
  }
  return cleanup
}
