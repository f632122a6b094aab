import { gzipSync } from 'node:zlib'
import { STEP_LOGS } from '@c2d/contracts'
import type { ClusterClient } from './cluster-client.ts'
import type { NamespaceRoom } from './namespace-room.ts'
import { buildLimitNote, readStepLog } from './step-log.ts'

/** What may be kept of each log, compressed, in bytes: a Secret holds one MiB in all. */
const KEPT_BYTES = {
  algorithm: 600 * 1024,
  configure: 100 * 1024,
  filter: 100 * 1024,
}
const LOG_BYTES = 10 * 1024 ** 2

/**
 * The logs of the steps before the last one, as private files of that one: see `STEP_LOGS`. What an algorithm prints
 * never passes through a file that it could write to; cluster and engine read it from where its container put it.
 */
export async function gatherLogs(
  room: NamespaceRoom,
  jobId: string,
  client: ClusterClient,
): Promise<Record<string, Buffer>> {
  const gathered = await Promise.all(
    Object.entries(KEPT_BYTES).map(async ([name, keptBytes]) => {
      const step = name as keyof typeof KEPT_BYTES
      const log = await readStepLog(room, { jobId, step, limit: LOG_BYTES }, client)
      return log.length === 0 ? null : ([STEP_LOGS[step].file, packLog(log, keptBytes)] as const)
    }),
  )
  return Object.fromEntries(gathered.filter((entry) => entry !== null))
}

/** Compresses a log; the beginning of it where all of it is too much, and a line that says so. */
export function packLog(log: Buffer, keptBytes: number): Buffer {
  let packed = gzipSync(log)
  for (let length = log.length; packed.length > keptBytes; packed = gzipSync(cutLog(log, length))) {
    // What fits is about as much as the share of it that would; less each time.
    length = Math.floor(Math.min(length * 0.9, (length * keptBytes) / packed.length))
  }
  return packed
}

function cutLog(log: Buffer, length: number): Buffer {
  return Buffer.concat([log.subarray(0, length), Buffer.from(buildLimitNote(length))])
}
