import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '@c2d/runtime'

const RECENT_LINES = 20

/** The log of one server: a file, and a reader who may be listening. */
export interface LogFile {
  readonly path: string
  /** Adds a line. */
  readonly write: (line: string) => void
  /** The last lines, for error messages. */
  recent(): string
  close(): Promise<void>
}

/** Who else reads the logs. */
export type LogReader = (name: string, line: string) => void

/** Opens `<folder>/<name>.log`. */
export async function openLogFile(folder: string, name: string, read: LogReader): Promise<LogFile> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${name}.log`)
  const stream = createWriteStream(path, { flags: 'a' })
  const recent: string[] = []
  let failed = false
  stream.on('error', () => {
    failed = true // a full disk must not end the stack: the log is a help, not a duty
  })
  return {
    path,
    write: (line) => {
      recent.push(line)
      if (recent.length > RECENT_LINES) recent.shift()
      if (!failed && !stream.writableEnded) stream.write(`${line}\n`)
      read(name, line)
    },
    recent: () => recent.join('\n'),
    close: () =>
      new Promise((resolve) => {
        if (failed) resolve()
        else stream.end(resolve)
      }),
  }
}

/** A logger that writes JSON lines to such a file, for what runs in our own process. */
export function createFileLogger(file: LogFile, bound: object = {}): Logger {
  const write =
    (level: string) =>
    (fields: object, message: string): void => {
      file.write(JSON.stringify({ level, time: new Date().toISOString(), ...bound, ...fields, msg: message }))
    }
  return {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: () => undefined,
    child: (fields) => createFileLogger(file, { ...bound, ...fields }),
  }
}
