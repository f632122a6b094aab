import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'

/** Where a step's output goes. */
export interface StepLog {
  /** Descriptor for the step's own output and errors; hand it over, then call `handedOver`. */
  readonly outputFd: number
  handedOver(): void
  /** The last bytes that were kept, as text. */
  tail(): string
  /** Waits for the writers to be gone, at most `waitMs`, and closes the file. */
  finish(waitMs: number): Promise<void>
}

/**
 * Keeps the first `limitBytes` of a step's output in a file and drains the rest, so that a chatty step neither fills the disk nor blocks.
 * The step gets a true pipe: scripts open `/dev/stdout`, which does not work on the sockets that Node calls pipes.
 */
export function createStepLog(path: string, pipePath: string, limitBytes: number): StepLog {
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o644)
  execFileSync('mkfifo', ['-m', '0622', pipePath], { stdio: 'ignore' })
  const readerFd = openSync(pipePath, constants.O_RDONLY | constants.O_NONBLOCK)
  const outputFd = openSync(pipePath, constants.O_WRONLY)
  // It lives on without its name, and nobody else can open it.
  rmSync(pipePath)
  let kept = 0
  let dropped = 0
  let tail = Buffer.alloc(0)
  const reader = new Socket({ fd: readerFd, readable: true, writable: false })
  const ended = new Promise<void>((resolve) => {
    reader.on('close', () => {
      resolve()
    })
  })
  // A pipe breaks only by its writers' end, which `close` tells.
  reader.on('error', () => undefined)
  reader.on('data', (bytes: Buffer) => {
    const take = bytes.subarray(0, Math.max(0, limitBytes - kept))
    dropped += bytes.length - take.length
    if (take.length === 0) return
    kept += take.length
    tail = Buffer.concat([tail, take]).subarray(-500)
    writeAll(file, take)
  })
  return {
    outputFd,
    handedOver: () => {
      closeSync(outputFd)
    },
    tail: () => tail.toString('utf8').trim(),
    finish: async (waitMs) => {
      let timer: NodeJS.Timeout | undefined
      await Promise.race([
        ended,
        new Promise((resolve) => {
          timer = setTimeout(resolve, waitMs)
        }),
      ])
      clearTimeout(timer)
      reader.destroy()
      if (dropped > 0)
        writeAll(file, Buffer.from(`\n[log limit of ${limitBytes} bytes reached, ${dropped} more bytes dropped]\n`))
      closeSync(file)
    },
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(writeSync(file, rest))
}
