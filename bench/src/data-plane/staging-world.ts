import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { STEP_FILE } from '@c2d/contracts'
import { findFreePort, startPostgres } from '@c2d/dev-servers'
import { insertJob, MIGRATIONS, registerStepToken, setPodPassword } from '@c2d/operator-db'
import { migrateToLatest, openDatabase, type Database } from '@c2d/postgres'
import type { Cleanup } from '../lib/cleanup.ts'
import { buildJob } from '../operator/build-job.ts'
import { startChildServer } from '../provider/child-server.ts'

const POD = fileURLToPath(new URL('../../../apps/pod-configuration/dist/pod.mjs', import.meta.url))
const SELF = fileURLToPath(new URL('../data-plane.js', import.meta.url))
const POD_PASSWORD = 'pods-of-a-bench'

/** One run of the configure pod. */
export interface StagingRun {
  /** From the first question to the last file in its place, hashes and all; the program's start is not in it. */
  seconds: number
  /** Most memory the process had, in MB of 10⁶ bytes. */
  peakMB: number
}

/** An origin of files and the built pod, which reports to a real PostgreSQL. */
export interface StagingWorld {
  originUrl: string
  /** A folder on the disk that pods stage to. */
  folder: string
  /** Runs a configure pod for a dataset of these files. */
  stage(urls: readonly string[]): Promise<StagingRun>
}

export async function createStagingWorld(cleanup: Cleanup): Promise<StagingWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-bench-'))
  cleanup.add(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o711) // as root the database's server runs as another user, who must be able to enter
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), port: await findFreePort() })
  cleanup.add(() => rm(dirname(postgres.dataDir), { recursive: true, force: true }))
  cleanup.add(() => postgres.stop())
  const databaseUrl = await postgres.createDatabase('staging')
  const db = openDatabase({ url: databaseUrl, applicationName: 'bench', maxConnections: 2 })
  cleanup.add(() => db.destroy())
  await migrateToLatest(db, MIGRATIONS)
  await setPodPassword(db, POD_PASSWORD)
  const port = await findFreePort()
  const args = [SELF, '--serve', 'origin', '--port', String(port)]
  const logPath = join(folder, 'origin.log')
  const { url: originUrl } = await startChildServer({ name: 'origin', args, port, logPath }, cleanup)
  const podUrl = Object.assign(new URL(databaseUrl), { username: 'c2d_pod', password: POD_PASSWORD }).href

  return {
    originUrl,
    folder,
    async stage(urls) {
      const { jobId, token } = await beginJob(db)
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
      await writeFile(join(files, STEP_FILE.report), JSON.stringify({ databaseUrl: podUrl, token }))
      const downloads = { consumerAddress: `0x${'0'.repeat(40)}`, tokens: [] }
      await writeFile(join(files, STEP_FILE.downloads), JSON.stringify(downloads))
      try {
        return await runPod(['--step-files', files, '--path', volume, '--workflowid', jobId], new URL(originUrl).host)
      } finally {
        await rm(join(folder, jobId), { recursive: true, force: true })
      }
    },
  }
}

async function beginJob(db: Database): Promise<{ jobId: string; token: string }> {
  const { jobId } = await insertJob(db, buildJob('bench', 'x', 'http://127.0.0.1/'))
  await db.raw('UPDATE jobs SET status = 20, epoch = 1 WHERE workflowid = ?', [jobId])
  const token = randomBytes(32).toString('hex')
  await registerStepToken(db, { jobId, step: 'configure', epoch: 1, token })
  return { jobId, token }
}

async function runPod(args: readonly string[], allow: string): Promise<StagingRun> {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', OUTBOUND_ALLOW: allow }
  const child = spawn(process.execPath, [POD, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const peak = watchPeak(child.pid ?? 0)
  let beganAt = 0
  let endedAt = 0
  let last = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (beganAt === 0 && line.startsWith('Fetching ')) beganAt = performance.now()
    endedAt = performance.now()
    last = line
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const peakMB = peak()
  if (code !== 0) throw new Error(`the pod ended with ${code}: ${last}`)
  return { seconds: (endedAt - beganAt) / 1000, peakMB }
}

/** The kernel keeps the highest resident set of a process; it is read until the process is gone. */
function watchPeak(pid: number): () => number {
  let peakKiB = 0
  const look = async (): Promise<void> => {
    const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    peakKiB = Math.max(peakKiB, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0))
  }
  const timer = setInterval(() => void look(), 20)
  return () => {
    clearInterval(timer)
    return (peakKiB * 1024) / 1e6
  }
}
