import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addressOf, recoverSigner, signMessage } from '@c2d/chain'
import { OPERATOR_BASE_PATH, operatorMessage, type EnvironmentAnnouncement } from '@c2d/contracts'
import { listen } from '@c2d/http-kit'
import { MIGRATIONS, SERVICE_ROLE, announceEnvironment, createJobNotifier } from '@c2d/operator-db'
import { migrateToLatest, openDatabase, type Database } from '@c2d/postgres'
import { Secret, silentLogger } from '@c2d/runtime'
import { createFilesystemStore, type ResultReader, type ResultStore } from '@c2d/storage'
import { createTestDatabase } from '@c2d/testing'
import { createApp, type AppOptions } from '../../src/app.ts'
import { createEngineClient } from '../../src/clients/engine-client.ts'
import { createEventFeed } from '../../src/domain/event-feed.ts'
import { migrateDatabase } from '../../src/migrate-database.ts'

const PROVIDER_KEY = `0x${'11'.repeat(32)}`
export const STRANGER_KEY = `0x${'22'.repeat(32)}`
export const OWNER = '0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e'
export const ENVIRONMENT = 'ocean-compute'
export const ENGINE_SECRET = 'shared-with-engines'
export const HEARTBEAT_MS = 50

/**
 * The service on a port of its own, over a database and a results folder of its own. It has the rights of its role and
 * no more; `db` is the tests' own and may do everything.
 */
export interface OperatorUnderTest {
  url: string
  databaseUrl: string
  db: Database
  results: ResultStore
  close(): Promise<void>
}

/** @param reading wraps how results are read */
export async function startOperator(
  overrides: Partial<AppOptions> = {},
  reading: (stores: ResultReader) => ResultReader = (stores) => stores,
): Promise<OperatorUnderTest> {
  const database = await createTestDatabase({
    template: 'operator-db',
    migrate: async (templateUrl) => {
      const templateDb = openDatabase({ url: templateUrl, applicationName: 'test-migrate' })
      await migrateToLatest(templateDb, MIGRATIONS)
      await templateDb.destroy()
    },
  })
  const databaseUrl = database.url
  const db = openDatabase({ url: databaseUrl, applicationName: 'test' })
  const serviceUrl = new URL(databaseUrl)
  serviceUrl.searchParams.set('options', `-c timezone=UTC -c role=${SERVICE_ROLE}`)
  const serviceDb = openDatabase({ url: serviceUrl.toString(), applicationName: 'operator-service' })
  const root = await mkdtemp(join(tmpdir(), 'c2d-operator-'))
  const log = silentLogger
  const notifier = createJobNotifier({ coalesceMs: 5 }, { db: serviceDb, log })
  const feed = createEventFeed({ pollMs: 10 }, { db: serviceDb, log })
  const results = createFilesystemStore({ root })
  const app = createApp(
    {
      isSignatureRequired: true,
      allowedProviders: [addressOf(PROVIDER_KEY).toUpperCase().replace('0X', '0x')],
      allowedAdmins: [new Secret('admin-secret')],
      environmentMaxAgeSeconds: 60,
      bodyLimitBytes: 100_000,
      requestsPerMinute: 0,
      trustedProxies: 0,
      heartbeatMs: HEARTBEAT_MS,
      queueMaxAgeMs: 0,
      info: { address: '0xOperator', algoTimeLimit: '3600', storageExpiry: null },
      ...overrides,
    },
    {
      db: serviceDb,
      migrate: () => migrateDatabase(serviceUrl.toString()),
      notifier,
      results: reading(results),
      feed,
      engine: createEngineClient({ secret: new Secret(ENGINE_SECRET), timeoutMs: 2_000 }),
      recoverSigner,
      log,
    },
  )
  const server = await listen(app, { host: '127.0.0.1', port: 0 })
  await announceEnvironment(db, buildAnnouncement())
  return {
    url: `http://127.0.0.1:${server.port}`,
    databaseUrl,
    db,
    results,
    close: async () => {
      feed.close()
      await server.close()
      await notifier.close()
      await serviceDb.destroy()
      await db.destroy()
      await database.drop()
      await rm(root, { recursive: true, force: true })
    },
  }
}

export function buildAnnouncement(overrides: Partial<EnvironmentAnnouncement> = {}): EnvironmentAnnouncement {
  return {
    id: ENVIRONMENT,
    cpuNumber: 1,
    cpuType: '',
    gpuNumber: 0,
    gpuType: '',
    ramGB: 1,
    diskGB: 1,
    priceMin: 0,
    desc: '',
    currentJobs: 0,
    maxJobs: 10,
    consumerAddress: OWNER,
    storageExpiry: 0,
    maxJobDuration: 60,
    ...overrides,
  }
}

let lastNonce = BigInt(Date.now()) * 1_000_000n

/** A fresh nonce as provider-py makes them: nanoseconds, 19 digits. */
export function nextNonce(): string {
  lastNonce += 1n
  return String(lastNonce)
}

/** Nonce and signature of a call about jobs. */
export function sign(m: { owner?: string; jobId?: string | undefined; nonce?: string; key?: string } = {}): {
  nonce: string
  providerSignature: string
} {
  const nonce = m.nonce ?? nextNonce()
  const message = operatorMessage({ owner: m.owner ?? OWNER, jobId: m.jobId, nonce })
  return { nonce, providerSignature: signMessage(message, m.key ?? PROVIDER_KEY) }
}

export function buildStage(): Record<string, unknown> {
  return {
    index: 0,
    input: [
      { index: 0, id: 'did:op:1111', remote: { txId: '0xaaa', serviceId: 's' } },
      { index: 1, url: ['https://example.org/a.csv'] },
    ],
    compute: { Instances: 1, namespace: ENVIRONMENT, maxtime: 3600 },
    algorithm: {
      id: 'did:op:3333',
      rawcode: '',
      container: { entrypoint: 'node $ALGO', image: 'node', tag: '20', checksum: 'sha256:0' },
      algocustomdata: { name: 'é' },
    },
    output: { metadataUri: 'http://127.0.0.1:1' },
  }
}

let agreements = 0

/** A signed start request; each has an agreement and a nonce of its own. */
export function buildStart(overrides: Record<string, unknown> = {}, key = PROVIDER_KEY): Record<string, unknown> {
  agreements += 1
  const agreementId = `0x${String(agreements).padStart(64, '0')}`
  const { nonce, providerSignature } = sign({ key })
  return {
    workflow: { stages: [buildStage()] },
    agreementId,
    owner: OWNER,
    providerSignature,
    environment: ENVIRONMENT,
    nonce,
    chainId: 8996,
    providerAddress: addressOf(key),
    validUntil: 1_900_000_000,
    ...overrides,
  }
}

/** An answer, read. */
export interface Answer {
  status: number
  body: unknown
}

/** Asks an operational route with a JSON body or with query parameters. */
export async function ask(
  operator: OperatorUnderTest,
  method: string,
  path: string,
  parameters: { json?: unknown; text?: string; query?: Record<string, string | undefined> } = {},
): Promise<Answer> {
  const url = new URL(operator.url + OPERATOR_BASE_PATH + path)
  for (const [name, value] of Object.entries(parameters.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  const body = parameters.text ?? (parameters.json === undefined ? undefined : JSON.stringify(parameters.json))
  const response = await fetch(url, {
    method,
    headers: { 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) }
}

/** Starts a job and gives its id. */
export async function start(operator: OperatorUnderTest, overrides: Record<string, unknown> = {}): Promise<string> {
  const answer = await ask(operator, 'POST', '/compute', { json: buildStart(overrides) })
  if (answer.status !== 200) throw new Error(`the job was refused: ${JSON.stringify(answer.body)}`)
  return (answer.body as { jobId: string }[])[0]!.jobId
}
