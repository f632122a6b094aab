import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { STEP_FILE } from '@c2d/contracts'
import { findFreePort } from '@c2d/dev-servers'
import type { Cleanup } from '../lib/cleanup.ts'
import { startChildServer } from '../provider/child-server.ts'
import type { PodDatabase } from './pod-database.ts'
import { runPod, type PodRun } from './run-pod.ts'

const SELF = fileURLToPath(new URL('../data-plane.js', import.meta.url))

/** An origin of files and the built pod, which reports to a real PostgreSQL. */
export interface StagingWorld {
  originUrl: string
  /** A folder on the disk that pods stage to. */
  folder: string
  /** Runs a configure pod for a dataset of these files; its time is up to the last file in its place, hashes and all. */
  stage(urls: readonly string[]): Promise<PodRun>
}

export async function createStagingWorld(database: PodDatabase, cleanup: Cleanup): Promise<StagingWorld> {
  const { folder } = database
  const port = await findFreePort()
  const args = [SELF, '--serve', 'origin', '--port', String(port)]
  const logPath = join(folder, 'origin.log')
  const { url: originUrl } = await startChildServer({ name: 'origin', args, port, logPath }, cleanup)

  return {
    originUrl,
    folder,
    async stage(urls) {
      const { jobId, token } = await database.beginJob('configure')
      const files = join(folder, jobId, 'step')
      const volume = join(folder, jobId, 'data')
      await mkdir(files, { recursive: true })
      const stage = {
        input: [{ id: `did:op:${'a'.repeat(64)}`, url: urls }],
        compute: {},
        algorithm: { id: '', rawcode: 'x', container: { entrypoint: 'x', image: 'x' } },
        output: {},
      }
      await writeFile(join(files, STEP_FILE.workflow), JSON.stringify({ stages: [stage] }))
      await writeFile(join(files, STEP_FILE.report), JSON.stringify({ databaseUrl: database.podUrl, token }))
      const downloads = { consumerAddress: `0x${'0'.repeat(40)}`, tokens: [] }
      await writeFile(join(files, STEP_FILE.downloads), JSON.stringify(downloads))
      try {
        return await runPod({
          name: 'pod-configuration',
          args: ['--step-files', files, '--path', volume, '--workflowid', jobId],
          env: { OUTBOUND_ALLOW: new URL(originUrl).host },
          beginsWith: 'Fetching ',
        })
      } finally {
        await rm(join(folder, jobId), { recursive: true, force: true })
      }
    },
  }
}
