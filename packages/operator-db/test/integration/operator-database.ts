import { randomBytes, randomUUID } from 'node:crypto'
import type { StoredWorkflow } from '@c2d/contracts'
import { migrateToLatest, openDatabase, type Database } from '@c2d/postgres'
import { createTestDatabase } from '@c2d/testing'
import { MIGRATIONS, insertJob, type NewJob } from '@c2d/operator-db'

/** A migrated database of its own, and pools to it. */
export interface OperatorDatabase {
  url: string
  db: Database
  /** One more pool, as another process would have it. */
  open(): Database
  close(): Promise<void>
}

export async function createOperatorDatabase(): Promise<OperatorDatabase> {
  const database = await createTestDatabase({
    template: 'operator-db',
    migrate: async (templateUrl) => {
      const db = openDatabase({ url: templateUrl, applicationName: 'test-migrate' })
      await migrateToLatest(db, MIGRATIONS)
      await db.destroy()
    },
  })
  const { url } = database
  const pools: Database[] = []
  const open = (): Database => {
    const db = openDatabase({ url, applicationName: 'test', maxConnections: 10 })
    pools.push(db)
    return db
  }
  return {
    url,
    db: open(),
    open,
    close: async () => {
      await Promise.all(pools.map((pool) => pool.destroy()))
      await database.drop()
    },
  }
}

export function buildWorkflow(jobId: string, environment: string): StoredWorkflow {
  return {
    apiVersion: 'v0.0.1',
    kind: 'WorkFlow',
    metadata: { name: jobId, namespace: environment, labels: { workflow: jobId }, secret: 'ab'.repeat(16) },
    spec: {
      metadata: {
        stages: [
          {
            input: [{ id: 'did:op:1', remote: { txId: '0x1', serviceId: 's' } }],
            algorithm: { id: 'did:op:2', container: { entrypoint: 'node $ALGO', image: 'node', tag: '20' } },
            compute: {},
            output: {},
          },
        ],
      },
    },
  }
}

export function buildNewJob(overrides: Partial<NewJob> = {}): NewJob {
  const jobId = overrides.jobId ?? randomUUID().replaceAll('-', '')
  const environment = overrides.environment ?? 'env-1'
  return {
    jobId,
    agreementId: `0x${randomBytes(32).toString('hex')}`,
    owner: '0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e',
    environment,
    workflow: buildWorkflow(jobId, environment),
    chainId: 8996,
    validUntil: 1_700_003_600,
    provider: '0xe08A1dAe983BC701D05E492DB80e0144f8f4b909',
    requestKey: randomBytes(32).toString('hex'),
    ...overrides,
  }
}

/** Queues a job and gives its id. */
export async function queueJob(db: Database, overrides: Partial<NewJob> = {}): Promise<string> {
  return (await insertJob(db, buildNewJob(overrides))).jobId
}
