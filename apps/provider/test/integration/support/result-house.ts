import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addressOf } from '@c2d/chain'
import { JOB_STATUS } from '@c2d/contracts'
import { findFreePort, spawnGuarded } from '@c2d/dev-servers'
import { openDatabase } from '@c2d/postgres'
import { createTestDatabase } from '@c2d/testing'
import { PROVIDER_KEY } from './stack.ts'

const OPERATOR_SERVICE = fileURLToPath(new URL('../../../../operator-service/dist/main.js', import.meta.url))
const READY_TIMEOUT_MS = 60_000

/** An operator-service of its own build, over a database and a folder with the results of finished jobs. */
export interface ResultHouse {
  url: string
  /** A finished job of an owner with these results, in this order; gives its id. */
  keepJob(owner: string, results: readonly { filename: string; bytes: Buffer }[]): Promise<string>
  /** How many result files the process has open now. */
  countOpenResults(): Promise<number>
  /** Ends the process as a crash does. */
  kill(): Promise<void>
  close(): Promise<void>
}

/** Starts operator-service (`npx tsc -b apps/operator-service` builds it). */
export async function openResultHouse(): Promise<ResultHouse> {
  const database = await createTestDatabase({ migrate: () => Promise.resolve() })
  const folder = await mkdtemp(join(tmpdir(), 'c2d-results-'))
  const url = `http://127.0.0.1:${await findFreePort()}`
  const child = spawnGuarded({
    command: process.execPath,
    args: ['--enable-source-maps', OPERATOR_SERVICE],
    env: {
      OPERATOR_URL: url,
      DATABASE_URL: database.url,
      ALLOWED_PROVIDERS: JSON.stringify([addressOf(PROVIDER_KEY)]),
      RESULTS_FOLDER: folder,
    },
    stopSignal: 'SIGTERM',
  })
  const ended: unknown[] = []
  void child.exited.then((exit) => ended.push(exit))
  const deadline = Date.now() + READY_TIMEOUT_MS
  while (!(await isReady(url))) {
    if (ended.length > 0 || Date.now() > deadline)
      throw new Error(`operator-service is not ready:\n${child.recentLog()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const db = openDatabase({ url: database.url, applicationName: 'provider-test' })
  let jobs = 0
  return {
    url,
    async keepJob(owner, results) {
      const jobId = String(++jobs).padStart(32, '0')
      await mkdir(join(folder, jobId))
      const outputs: unknown[] = []
      for (const [index, { filename, bytes }] of results.entries()) {
        await writeFile(join(folder, jobId, String(index)), bytes)
        outputs.push({
          filename,
          filesize: bytes.length,
          url: `filesystem:${jobId}/${index}`,
          type: 'output',
          sha256: createHash('sha256').update(bytes).digest('hex'),
        })
      }
      await db('jobs').insert({
        workflowid: jobId,
        agreementid: `0x${jobId}`,
        owner,
        namespace: 'free',
        status: JOB_STATUS.finished.code,
        statustext: JOB_STATUS.finished.text,
        datefinished: db.fn.now(),
        outputsurl: JSON.stringify(outputs),
      })
      return jobId
    },
    async countOpenResults() {
      const open = `/proc/${child.pid}/fd`
      const targets = (await readdir(open)).map((fd) => readlink(join(open, fd)).catch(() => 'closed meanwhile'))
      return (await Promise.all(targets)).filter((target) => target.startsWith(folder)).length
    },
    async kill() {
      process.kill(child.pid ?? 0, 'SIGKILL')
      await child.exited
    },
    async close() {
      await child.stop()
      await db.destroy()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  )
}
