import { toError } from '@c2d/runtime'
import { openLogFile, type LogFile, type LogReader } from './log-file.ts'

/** Opens things so that each is closed in any case, last opened first, also those that were still opening. */
export interface Opener {
  /** Begins one thing. Throws at once when an end was asked for. */
  open<T>(name: string, begin: () => Promise<T>, end: (opened: T) => Promise<void>): Promise<T>
  /** Opens the log of a server. */
  openLog(name: string): Promise<LogFile>
  /** Closes everything, waiting for what is still opening. Throws, at the very end, what could not be closed. */
  close(): Promise<void>
}

/** Creates an opener. */
export function createOpener(options: { readonly logFolder: string; readonly readLog: LogReader }): Opener {
  const closers: { readonly name: string; readonly close: () => Promise<void> }[] = []
  let closing: Promise<void> | undefined

  const closeAll = async (): Promise<void> => {
    const problems: Error[] = []
    // Read anew each time: what was opening when the end was asked for may have registered a part of its own since.
    for (let next = closers.pop(); next; next = closers.pop()) {
      try {
        await next.close()
      } catch (thrown) {
        problems.push(new Error(`${next.name} could not be ended: ${toError(thrown).message}`, { cause: thrown }))
      }
    }
    const [first] = problems
    if (first) throw problems.length === 1 ? first : new AggregateError(problems, first.message)
  }

  const opener: Opener = {
    open: async (name, begin, end) => {
      if (closing) throw new Error(`${name} is not started: the end was asked for`)
      const opening = begin()
      closers.push({
        name,
        close: async () => {
          const [outcome] = await Promise.allSettled([opening])
          if (outcome.status === 'fulfilled') await end(outcome.value)
        },
      })
      return opening
    },
    openLog: (name) =>
      opener.open(
        `log of ${name}`,
        () => openLogFile(options.logFolder, name, options.readLog),
        (log) => log.close(),
      ),
    close: () => {
      closing ??= closeAll()
      return closing
    },
  }
  return opener
}
