import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StartEvidence, StoredWorkflow } from '@c2d/contracts'
import {
  ENGINE_ROLE,
  MIGRATIONS,
  insertJob,
  listEvents,
  loadJob,
  notifyJobs,
  setPodPassword,
  type JobRow,
} from '@c2d/operator-db'
import { migrateToLatest, openDatabase, type Database } from '@c2d/postgres'
import { sleep } from '@c2d/runtime'
import { createFilesystemStore, type ResultStore } from '@c2d/storage'
import { createTestDatabase, podDatabaseUrl, TEST_POD_PASSWORD } from '@c2d/testing'

const APPS = fileURLToPath(new URL('../../../../', import.meta.url))
const ENVIRONMENT = 'engine-tests'
const ENVIRONMENT_KEY = `0x${'01'.repeat(32)}`

/**
 * A Postgres, a file origin and folders: everything the built engine needs, and the engine itself as a process. The
 * engine has the rights of its role and no more; `db` is the tests' own and may do everything.
 */
export interface EngineWorld {
  db: Database
  databaseUrl: string
  /** What pods report with. */
  podDatabaseUrl: string
  /** `host:port` where the dataset comes from. */
  origin: string
  workspaces: string
  resultsFolder: string
  results: ResultStore
  /** The tests' environment with other settings, for `startEngine`. */
  environment(overrides: Record<string, unknown>): { ENVIRONMENTS: string }
  /** Starts an engine; `extra` overrides its settings. Ready when it answers. */
  startEngine(extra?: Record<string, string>): Promise<RunningEngine>
  /** Queues a job that runs this Node source on the one dataset `a,b\n1,2\n`. */
  queueJob(source: string, options?: QueueOptions): Promise<string>
  waitForJob(jobId: string, until: (job: JobRow) => boolean, timeoutMs?: number): Promise<JobRow>
  /** What happened to a job, in order, but for its proof: that comes when it comes. */
  eventsOf(jobId: string): Promise<string[]>
  resultText(job: JobRow, filename: string): Promise<string>
  close(): Promise<void>
}

export interface QueueOptions {
  inputPath?: string
  environment?: string
  validUntil?: number | null
  entrypoint?: string
  /** The algorithm's image, where containers are. */
  container?: { image: string; tag?: string; checksum?: string }
  /** Where the dataset is fetched from; the world's own origin otherwise. */
  inputUrl?: string
  /** Whether the dataset's owner wants hashes of its files salted. */
  saltFileHashes?: boolean
  /** What a provider would have found at the start. */
  evidence?: StartEvidence
  owner?: string
}

export interface RunningEngine {
  process: ChildProcess
  /** Where it answers. */
  url(): string
  /** What it wrote on stdout and stderr. */
  output(): string
  kill(signal: NodeJS.Signals): Promise<void>
}

export async function createEngineWorld(): Promise<EngineWorld> {
  const database = await createTestDatabase({
    template: 'operator',
    migrate: async (url) => {
      const template = openDatabase({ url, applicationName: 'template' })
      await migrateToLatest(template, MIGRATIONS)
      await template.destroy()
    },
  })
  const db = openDatabase({ url: database.url, applicationName: 'engine tests' })
  await setPodPassword(db, TEST_POD_PASSWORD)
  const folder = await mkdtemp(join(tmpdir(), 'c2d-engine-'))
  const origin = await startOrigin()
  const engines = new Set<RunningEngine>()
  const resultsFolder = join(folder, 'results')
  const results = createFilesystemStore({ root: resultsFolder })

  const environment: EngineWorld['environment'] = (overrides) => ({
    ENVIRONMENTS: JSON.stringify([
      { id: ENVIRONMENT, privateKey: ENVIRONMENT_KEY, maxJobs: 4, maxJobDuration: 60, ...overrides },
    ]),
  })
  const settings = (): Record<string, string> => ({
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: engineUrl(database.url),
    POD_DATABASE_URL: podDatabaseUrl(database.url),
    ...environment({}),
    WORKSPACES_FOLDER: join(folder, 'workspaces'),
    RESULTS_FOLDER: resultsFolder,
    POD_CONFIGURATION_PROGRAM: join(APPS, 'pod-configuration/dist/pod.mjs'),
    POD_PUBLISHING_PROGRAM: join(APPS, 'pod-publishing/dist/pod.mjs'),
    OUTBOUND_ALLOW: `127.0.0.1:${origin.port}`,
    LEASE_SECONDS: '2',
    TICK_SECONDS: '0.5',
    HEALTH_HOST: '127.0.0.1',
    HEALTH_PORT: '0',
  })

  return {
    db,
    databaseUrl: database.url,
    podDatabaseUrl: podDatabaseUrl(database.url),
    origin: `127.0.0.1:${origin.port}`,
    workspaces: join(folder, 'workspaces'),
    resultsFolder,
    results,
    environment,
    async startEngine(extra = {}) {
      const engine = await launchEngine({ ...settings(), ...extra })
      engines.add(engine)
      return engine
    },
    async queueJob(source, options = {}) {
      const jobId = randomBytes(16).toString('hex')
      const workflow = buildWorkflow(
        jobId,
        source,
        options.inputUrl ?? `http://127.0.0.1:${origin.port}${options.inputPath ?? '/data.csv'}`,
      )
      const container = workflow.spec.metadata.stages[0]?.algorithm.container
      if (container && options.entrypoint) container.entrypoint = options.entrypoint
      if (container) Object.assign(container, options.container)
      if (options.saltFileHashes) {
        Object.assign(workflow.spec.metadata.stages[0]?.input[0] ?? {}, { saltFileHashes: true })
      }
      Object.assign(workflow.spec.metadata.stages[0] ?? {}, options.evidence ? { evidence: options.evidence } : {})
      await insertJob(db, {
        jobId,
        agreementId: `0x${randomBytes(32).toString('hex')}`,
        owner: options.owner ?? '0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e',
        environment: options.environment ?? ENVIRONMENT,
        workflow,
        chainId: 8996,
        validUntil: options.validUntil ?? null,
        provider: '0xe08A1dAe983BC701D05E492DB80e0144f8f4b909',
        requestKey: randomBytes(32).toString('hex'),
      })
      await notifyJobs(db)
      return jobId
    },
    async waitForJob(jobId, until, timeoutMs = 30_000) {
      const giveUpAt = Date.now() + timeoutMs
      for (;;) {
        const job = await loadJob(db, jobId)
        if (job && until(job)) return job
        if (Date.now() > giveUpAt) {
          const outputs = [...engines].map((engine) => engine.output()).join('\n')
          throw new Error(`job ${jobId} is still ${job?.statusText ?? 'missing'}; the engines said:\n${outputs}`)
        }
        await sleep(20)
      }
    },
    eventsOf: async (jobId) => (await listEvents(db, jobId)).flatMap(({ what }) => (what === 'proven' ? [] : [what])),
    async resultText(job, filename) {
      const result = job.outputs?.find((entry) => entry.filename === filename)
      if (!result) throw new Error(`there is no result ${filename}, only ${JSON.stringify(job.outputs)}`)
      return Buffer.concat(await (await results.open(result.url)).toArray()).toString('utf8')
    },
    async close() {
      await Promise.all([...engines].map((engine) => engine.kill('SIGKILL')))
      await db.destroy()
      await database.drop()
      origin.server.closeAllConnections()
      await new Promise((resolve) => origin.server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function launchEngine(env: Record<string, string>): Promise<RunningEngine> {
  const child = spawn(process.execPath, [join(APPS, 'operator-engine/dist/main.js')], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const exited = once(child, 'exit')
  const ready = new Promise<void>((resolve, reject) => {
    const collect = (chunk: Buffer): void => {
      output += chunk.toString()
      if (output.includes('engine started')) resolve()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    void exited.then(() => reject(new Error(`the engine ended before it was ready:\n${output}`)))
  })
  await ready
  return {
    process: child,
    url: () => `http://127.0.0.1:${/"port":(\d+)/.exec(output)?.[1] ?? 0}`,
    output: () => output,
    async kill(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await exited
    },
  }
}

async function startOrigin(): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    if (request.url === '/data.csv') response.end('a,b\n1,2\n')
    else if (request.url === '/slow.csv') setTimeout(() => response.end('a,b\n1,2\n'), 1_500)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port }
}

function engineUrl(databaseUrl: string): string {
  const url = new URL(databaseUrl)
  url.searchParams.set('options', `-c timezone=UTC -c role=${ENGINE_ROLE}`)
  return url.href
}

function buildWorkflow(jobId: string, source: string, inputUrl: string): StoredWorkflow {
  return {
    apiVersion: 'v0.0.1',
    kind: 'WorkFlow',
    metadata: {
      name: jobId,
      namespace: ENVIRONMENT,
      labels: { workflow: jobId },
      secret: randomBytes(16).toString('hex'),
    },
    spec: {
      metadata: {
        chainId: 8996,
        stages: [
          {
            index: 0,
            input: [{ index: 0, id: `did:op:${'a'.repeat(64)}`, url: [inputUrl] }],
            compute: {},
            algorithm: {
              id: '',
              rawcode: source,
              container: { entrypoint: 'node $ALGO', image: 'node', tag: '20', checksum: 'sha256:0' },
            },
            output: {},
          },
        ],
      },
    },
  }
}
