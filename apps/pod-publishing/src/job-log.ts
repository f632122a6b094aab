/** What this step says, for whoever runs it and, as `publish.log`, for the consumer. */
export interface JobLog {
  say(line: string): void
  /** The log so far, for storing; says itself whether something is left out. */
  snapshot(): Buffer
}

const MAX_KEPT_BYTES = 1024 * 1024
const END = 'This log was stored here: what followed is not part of it.'

/**
 * Keeps what is said. The stored log is written by the step that stores it, so it is kept here and never read from the
 * file that its runner is still writing to: it is complete up to a last line that says so.
 * @param deps.write takes each line too
 */
export function createJobLog(deps: { write: (text: string) => void }): JobLog {
  const lines: string[] = []
  let keptBytes = 0
  let left = 0
  return {
    say(line) {
      deps.write(`${line}\n`)
      keptBytes += Buffer.byteLength(line) + 1
      if (keptBytes <= MAX_KEPT_BYTES) lines.push(line)
      else left += 1
    },
    snapshot() {
      const cut = left > 0 ? [`... ${left} lines are left out here: the log is longer than what is kept of it.`] : []
      return Buffer.from([...lines, ...cut, END, ''].join('\n'))
    },
  }
}
