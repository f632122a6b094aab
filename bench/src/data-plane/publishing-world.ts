import { randomBytes } from 'node:crypto'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { STEP_FILE } from '@c2d/contracts'
import type { Bucket } from './bucket.ts'
import type { PodDatabase } from './pod-database.ts'
import { runPod, type PodRun } from './run-pod.ts'

/** Outputs on a volume, and the built pod that publishes them. */
export interface Outputs {
  /** The folder they lie in. */
  folder: string
  /** Runs a publish pod to its end, reports included, and removes what it stored. */
  publish(): Promise<PodRun>
  remove(): Promise<void>
}

const PIECE_BYTES = 1024 ** 2

/**
 * Makes the outputs of a job: files of one size, of random bytes.
 * @param options.ipfsUrl RPC of a node that everything goes to as well; null for the bucket alone
 */
export async function makeOutputs(
  options: { files: number; bytes: number; ipfsUrl: string | null },
  { bucket, database }: { bucket: Bucket; database: PodDatabase },
): Promise<Outputs> {
  const root = join(database.folder, `volume-${randomBytes(4).toString('hex')}`)
  const folder = join(root, 'outputs')
  await mkdir(folder, { recursive: true })
  const piece = randomBytes(Math.min(PIECE_BYTES, options.bytes))
  for (let index = 0; index < options.files; index++) {
    const file = await open(join(folder, `${index}.bin`), 'w')
    for (let at = 0; at < options.bytes; at += piece.length) {
      piece.writeUInt32LE(index ^ at) // no two pieces are the same
      await file.write(piece, 0, Math.min(piece.length, options.bytes - at))
    }
    await file.close()
  }
  return {
    folder,
    async publish() {
      const { jobId, token } = await database.beginJob('publish')
      const files = join(database.folder, jobId)
      await mkdir(files)
      const { endpoint, region, name, accessKeyId, secretAccessKey } = bucket
      const credentials = { accessKeyId, secretAccessKey }
      const targets = [
        { backend: 's3', endpoint, region, bucket: name, prefix: 'ours/', pathStyle: true, credentials },
        ...(options.ipfsUrl === null ? [] : [{ backend: 'ipfs', apiUrl: options.ipfsUrl }]),
      ]
      await writeFile(join(files, STEP_FILE.report), JSON.stringify({ databaseUrl: database.podUrl, token }))
      await writeFile(join(files, STEP_FILE.results), JSON.stringify({ targets }))
      try {
        const args = ['--step-files', files, '--path', root, '--workflowid', jobId]
        const run = await runPod({ name: 'pod-publishing', args })
        const stored = await bucket.empty()
        if (stored < options.files) throw new Error(`of ${options.files} files ${stored} were stored`)
        return run
      } finally {
        await rm(files, { recursive: true, force: true })
      }
    },
    remove: () => rm(root, { recursive: true, force: true }),
  }
}
