import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzip } from 'node:zlib'
import { promisify } from 'node:util'
import { STEP_LOGS } from '@c2d/contracts'
import type { CollectedFile } from './collect.ts'

/** Far above what an executor keeps of a log: a Secret holds one MiB, and is ours. */
const MAX_LOG_BYTES = 64 * 1024 ** 2

/**
 * The logs that the executor kept of the job's earlier steps and handed to this one; none where they lie on the volume.
 * They are held in memory: a volume that its algorithm filled has no room for them, and they are owed all the same.
 * @param folder the step's private files
 */
export async function loadKeptLogs(folder: string): Promise<CollectedFile[]> {
  const logs: CollectedFile[] = []
  for (const { file, path } of Object.values(STEP_LOGS)) {
    const packed = await readIfThere(join(folder, file))
    if (packed === null) continue
    const bytes = await promisify(gunzip)(packed, { maxOutputLength: MAX_LOG_BYTES })
    const open = () => Promise.resolve(Readable.from([bytes], { objectMode: false }))
    logs.push({ path, sizeBytes: bytes.length, open })
  }
  return logs
}

/** Puts kept logs among what was collected, in the order of the result index; each instead of whatever bears its name. */
export function putKeptLogs(files: readonly CollectedFile[], kept: readonly CollectedFile[]): CollectedFile[] {
  if (kept.length === 0) return [...files]
  const names = new Set(kept.map(({ path }) => path))
  const others = files.filter(({ path }) => !names.has(path))
  const isLog = (folder: string) => (file: CollectedFile) => file.path.startsWith(`${folder}/`)
  const byName = (a: CollectedFile, b: CollectedFile): number =>
    Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))
  const logs = ['logs', 'adminlogs'].flatMap((folder) => [...others, ...kept].filter(isLog(folder)).sort(byName))
  return [...others.filter((file) => !isLog('logs')(file) && !isLog('adminlogs')(file)), ...logs]
}

async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
