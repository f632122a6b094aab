import { Worker } from 'node:worker_threads'
import { HASH_THREAD_SOURCE } from './hash-thread-source.ts'

/** The hash of one file that is still being written. */
export interface HashRun {
  /** Everything before this byte is written. */
  advance(upTo: number): void
  /** SHA-256 of the first `sizeBytes` bytes, in hex, once all of them are written. */
  digest(sizeBytes: number): Promise<string>
  /** The file is given up. */
  drop(): void
}

/** Hashes files on a thread of their own. */
export interface Hasher {
  /** @param path of a file that exists */
  begin(path: string): HashRun
  close(): Promise<void>
}

interface Waiting {
  resolve: (sha256: string) => void
  reject: (error: Error) => void
}

type Answer = { id: number } & ({ sha256: string } | { failure: string })

/** The thread starts with the first file that is large enough to need it. */
export function createHasher(): Hasher {
  const waiting = new Map<number, Waiting>()
  const failed = new Map<number, Error>()
  let worker: Worker | undefined
  let death: Error | undefined
  let ids = 0

  function start(): Worker {
    const started = new Worker(HASH_THREAD_SOURCE, {
      eval: true,
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
    })
    started.on('message', (answer: Answer) => {
      if ('sha256' in answer) settle(answer.id, (run) => run.resolve(answer.sha256))
      else fail(answer.id, new Error(`a file could not be hashed: ${answer.failure}`))
    })
    started.on('error', failAll)
    started.on('exit', () => failAll(new Error('the hashing thread has ended')))
    started.unref()
    return started
  }

  function settle(id: number, how: (run: Waiting) => void): void {
    const run = waiting.get(id)
    waiting.delete(id)
    if (waiting.size === 0) worker?.unref()
    if (run) how(run)
  }

  function fail(id: number, error: Error): void {
    if (waiting.has(id)) settle(id, (run) => run.reject(error))
    else failed.set(id, error)
  }

  function failAll(error: Error): void {
    death ??= error
    for (const id of [...waiting.keys()]) fail(id, error)
  }

  return {
    begin(path) {
      const thread = (worker ??= start())
      const id = ids++
      thread.postMessage({ id, path })
      return {
        advance: (upTo) => thread.postMessage({ id, upTo }),
        digest(sizeBytes) {
          const before = failed.get(id) ?? death
          if (before) return Promise.reject(before)
          return new Promise((resolve, reject) => {
            waiting.set(id, { resolve, reject })
            thread.ref() // while somebody waits for it, the process must not end
            thread.postMessage({ id, upTo: sizeBytes, end: 'digest' })
          })
        },
        drop: () => thread.postMessage({ id, end: 'drop' }),
      }
    },
    async close() {
      await worker?.terminate()
    },
  }
}
