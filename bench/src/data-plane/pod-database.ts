import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Step } from '@c2d/contracts'
import { findFreePort, startPostgres } from '@c2d/dev-servers'
import { insertJob, MIGRATIONS, registerStepToken, setPodPassword } from '@c2d/operator-db'
import { migrateToLatest, openDatabase } from '@c2d/postgres'
import type { Cleanup } from '../lib/cleanup.ts'
import { buildJob } from '../operator/build-job.ts'

const POD_PASSWORD = 'pods-of-a-bench'

/** A real PostgreSQL that pods report to, and a folder on the disk that they work on. */
export interface PodDatabase {
  folder: string
  /** What a pod connects with. */
  podUrl: string
  /** A job that is at this step. */
  beginJob(step: Step): Promise<{ jobId: string; token: string }>
}

export async function createPodDatabase(cleanup: Cleanup): Promise<PodDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-bench-'))
  cleanup.add(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o711) // as root the database's server runs as another user, who must be able to enter
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), port: await findFreePort() })
  cleanup.add(() => rm(dirname(postgres.dataDir), { recursive: true, force: true }))
  cleanup.add(() => postgres.stop())
  const databaseUrl = await postgres.createDatabase('pods')
  const db = openDatabase({ url: databaseUrl, applicationName: 'bench', maxConnections: 2 })
  cleanup.add(() => db.destroy())
  await migrateToLatest(db, MIGRATIONS)
  await setPodPassword(db, POD_PASSWORD)

  return {
    folder,
    podUrl: Object.assign(new URL(databaseUrl), { username: 'c2d_pod', password: POD_PASSWORD }).href,
    async beginJob(step) {
      const { jobId } = await insertJob(db, buildJob('bench', 'x', 'http://127.0.0.1/'))
      await db.raw('UPDATE jobs SET status = 20, epoch = 1 WHERE workflowid = ?', [jobId])
      const token = randomBytes(32).toString('hex')
      await registerStepToken(db, { jobId, step, epoch: 1, token })
      return { jobId, token }
    },
  }
}
