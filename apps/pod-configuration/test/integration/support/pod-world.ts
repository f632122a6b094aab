import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { STEP_FILE, type JobEvent, type Stage, type StepDownloads } from '@c2d/contracts'
import { insertJob, listEvents, MIGRATIONS, registerStepToken, setPodPassword } from '@c2d/operator-db'
import { migrateToLatest, openDatabase } from '@c2d/postgres'
import { buildQueuedJob, createTestDatabase, podDatabaseUrl, TEST_POD_PASSWORD } from '@c2d/testing'

const POD = fileURLToPath(new URL('../../../dist/pod.mjs', import.meta.url))

/** The row of a job, as far as a configure pod writes it. */
export interface ReportedJob {
  status: number
  statustext: string
  reason: string | null
  staging: Record<string, unknown> | null
}

/** How one run of the pod went. */
export interface PodRun {
  code: number | null
  output: string
  /** Most memory it had, in MB of 10⁶ bytes, as the kernel counts it. */
  peakMB: number
  volume: string
  job: ReportedJob
  events: JobEvent[]
}

/** The built pod as a process of its own, reporting to a real database as the role of pods. */
export async function createPodWorld() {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-pod-'))
  const database = await createTestDatabase({
    template: 'operator-db',
    migrate: async (url) => {
      const db = openDatabase({ url, applicationName: 'test-migrate' })
      await migrateToLatest(db, MIGRATIONS)
      await db.destroy()
    },
  })
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 2 })
  await setPodPassword(db, TEST_POD_PASSWORD)
  const podUrl = podDatabaseUrl(database.url)

  return {
    /** @param options.umask of the shell that starts it; a container may have any */
    async run(
      stage: Stage,
      options: { env?: Record<string, string>; umask?: string; tokens?: StepDownloads['tokens'] } = {},
    ): Promise<PodRun> {
      const { jobId } = await insertJob(db, buildQueuedJob('env-1', stage))
      await db.raw('UPDATE jobs SET status = 20, epoch = 1 WHERE workflowid = ?', [jobId])
      const token = randomBytes(32).toString('hex')
      await registerStepToken(db, { jobId, step: 'configure', epoch: 1, token })
      const files = join(folder, jobId, 'step')
      const volume = join(folder, jobId, 'data')
      await mkdir(files, { recursive: true })
      await mkdir(volume, { recursive: true })
      await writeFile(join(files, STEP_FILE.workflow), JSON.stringify({ stages: [stage] }))
      await writeFile(join(files, STEP_FILE.report), JSON.stringify({ databaseUrl: podUrl, token }))
      const downloads = { consumerAddress: `0x${'0'.repeat(40)}`, tokens: options.tokens ?? [] }
      await writeFile(join(files, STEP_FILE.downloads), JSON.stringify(downloads))
      const args = [POD, '--step-files', files, '--path', volume, '--workflowid', jobId]
      const child = spawn(
        '/bin/sh',
        ['-c', `umask ${options.umask ?? '022'}; exec "$@"`, 'sh', process.execPath, ...args],
        {
          env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...options.env },
        },
      )
      let peakKiB = 0
      const watch = setInterval(() => {
        void readFile(`/proc/${child.pid}/status`, 'utf8')
          .then((text) => (peakKiB = Math.max(peakKiB, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0))))
          .catch(() => undefined) // it has ended
      }, 20)
      let output = ''
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
      clearInterval(watch)
      const { rows } = await db.raw<{ rows: ReportedJob[] }>(
        'SELECT status, statustext, reason, staging FROM jobs WHERE workflowid = ?',
        [jobId],
      )
      return {
        code,
        output,
        peakMB: (peakKiB * 1024) / 1e6,
        volume,
        job: rows[0]!,
        events: await listEvents(db, jobId),
      }
    },
    async close() {
      await db.destroy()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
