import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openDatabase } from '@c2d/postgres'
import { createTestDatabase } from '@c2d/testing'
import { MIGRATIONS, claimJobs } from '@c2d/operator-db'
import { isSchemaCurrent } from '@c2d/postgres'
import { migrateDatabase } from '../../src/migrate-database.ts'
import { ENVIRONMENT, ask, start, startOperator, type OperatorUnderTest } from './operator-under-test.ts'

let operator: OperatorUnderTest

beforeAll(async () => {
  operator = await startOperator()
})
afterAll(() => operator.close())

const base = '/api/v1/operator'
const get = (path: string, headers: Record<string, string> = {}) => fetch(operator.url + path, { headers })

describe('the admin routes', () => {
  const admin = { Admin: 'admin-secret' }

  it.each(['/list', '/info?jobId=x', '/logs?jobId=x'])('error: %s asks for the secret, in its casing', async (path) => {
    const none = await get(base + path)
    expect([none.status, await none.text()]).toEqual([400, 'Admin header is empty.\nstatus code: 400'])
    for (const wrong of ['Admin-Secret', 'admin-secre', 'admin-secret ­', 'x'.repeat(5_000)]) {
      const headers = { Admin: encodeURI(wrong) }
      expect((await get(base + path, headers)).status).toBe(401)
    }
  })

  it('behaviour: list and info tell who holds a job, and no address', async () => {
    const jobId = await start(operator)
    const claim = { environment: ENVIRONMENT, maxJobs: 1_000, claimedBy: 'engine-1', leaseSeconds: 30 }
    await claimJobs(operator.db, claim)
    const list = (await (await get(`${base}/list`, admin)).json()) as Record<string, unknown>[]
    expect(list.find((job) => job['jobId'] === jobId)).toMatchObject({ claimedBy: 'engine-1', epoch: 1 })
    const info = await get(`${base}/info?jobId=${jobId}`, admin)
    const text = await info.text()
    expect(JSON.parse(text)).toMatchObject({ jobId, environment: ENVIRONMENT, claimedBy: 'engine-1', results: '' })
    expect(text).not.toMatch(/https?:|workflow/)
    expect((await get(`${base}/info?jobId=${'f'.repeat(32)}`, admin)).status).toBe(404)
    expect((await get(`${base}/info`, admin)).status).toBe(400)
  })

  it('behaviour: logs gives the stored log of a step', async () => {
    const jobId = await start(operator)
    const stored = await operator.results.put(jobId, 'adminlogs/configure.log', Readable.from(['staged\n']))
    const entry = { filename: 'configure.log', filesize: 7, url: stored.url, type: 'configrationLog' }
    await operator
      .db('jobs')
      .where({ workflowid: jobId })
      .update({ outputsurl: JSON.stringify([entry]) })
    const log = await get(`${base}/logs?jobId=${jobId}&component=configure`, admin)
    expect([log.status, await log.text()]).toEqual([200, 'staged\n'])
    expect((await get(`${base}/logs?jobId=${jobId}`, admin)).status).toBe(404)
    expect((await get(`${base}/logs?jobId=${jobId}&component=other`, admin)).status).toBe(400)
  })
})

describe('what the service says of itself', () => {
  interface Spec {
    openapi: string
    paths: Record<string, Record<string, unknown>>
  }

  it('behaviour: /spec describes the routes, and none that does not answer', async () => {
    const spec = (await (await get('/spec')).json()) as Spec
    expect(spec.openapi).toBe('3.1.0')
    const described = Object.entries(spec.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
    )
    const reference = ['POST /compute', 'GET /compute', 'PUT /compute', 'DELETE /compute', 'GET /getResult']
    const open = ['GET /environments', 'GET /runningjobs', 'POST /pgsqlinit', 'GET /info', 'GET /list', 'GET /logs']
    const aboutJobs = ['events', 'logs', 'proof', 'salts', 'published']
    const ours = aboutJobs.map((what) => `GET /jobs/{jobId}/${what}`)
    expect(described.map(([method, path]) => `${method} ${path.replace('/api/v1/operator', '')}`)).toEqual(
      expect.arrayContaining([...reference, ...open, ...ours]),
    )
    for (const [method, path] of described) {
      const { status } = await fetch(operator.url + path.replace('{jobId}', 'f'.repeat(32)), { method })
      expect([path, [404, 405].includes(status)]).toEqual([path, false])
    }
    expect(JSON.stringify(spec)).toContain('"#/components/schemas/JobStatus"')
  })

  it('behaviour: /api/v1/docs/ is a page that loads nothing from elsewhere', async () => {
    const page = await get('/api/v1/docs/')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toMatch(/^text\/html/)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    const html = await page.text()
    expect(html).toContain('/spec')
    expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
  })

  it('behaviour: /metrics counts requests by route, and the jobs there are', async () => {
    await start(operator)
    await get(`${base}/jobs/${'f'.repeat(32)}/logs`)
    const metrics = await (await get('/metrics')).text()
    expect(metrics).toMatch(/c2d_operator_service_jobs_queued [1-9]/)
    expect(metrics).toMatch(/c2d_operator_service_jobs_at_work \d/)
    expect(metrics).toContain('/jobs/:jobId/logs"')
    expect(metrics).not.toContain('ffffffff')
  })
})

describe('limits', () => {
  it('behaviour: an address that asks too often is told to wait, in JSON; health is not counted', async () => {
    const limited = await startOperator({ requestsPerMinute: 3 })
    try {
      const statuses: number[] = []
      for (let i = 0; i < 5; i += 1) statuses.push((await ask(limited, 'GET', '/environments')).status)
      expect(statuses).toEqual([200, 200, 200, 429, 429])
      const refused = await fetch(`${limited.url}${base}/environments`)
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(await refused.json()).toEqual({ error: expect.stringMatching(/^Too many requests/) })
      expect((await fetch(`${limited.url}/healthz`)).status).toBe(200)
    } finally {
      await limited.close()
    }
  })

  it('behaviour: the secret of admins cannot be guessed at speed', async () => {
    const guessed = await startOperator()
    try {
      const guess = (n: number) =>
        fetch(`${guessed.url}${base}/pgsqlinit`, { method: 'POST', headers: { Admin: `guess-${n}` } })
      const statuses: number[] = []
      for (let i = 0; i < 62; i += 1) statuses.push((await guess(i)).status)
      expect(statuses.slice(0, 60)).toEqual(Array(60).fill(401))
      expect(statuses.slice(60)).toEqual([429, 429])
    } finally {
      await guessed.close()
    }
  })
})

describe('migrateDatabase', () => {
  it('behaviour: five processes that start at once on an empty database make one schema', async () => {
    const target = await createTestDatabase({ migrate: () => Promise.resolve() })
    const db = openDatabase({ url: target.url, applicationName: 'test' })
    try {
      await Promise.all([1, 2, 3, 4, 5].map(() => migrateDatabase(target.url)))
      expect(await isSchemaCurrent(db, MIGRATIONS)).toBe(true)
    } finally {
      await db.destroy()
      await target.drop()
    }
  })

  it('behaviour: a migrator that died with the lock in its hand stops nobody', async () => {
    const target = await createTestDatabase({ migrate: () => Promise.resolve() })
    const db = openDatabase({ url: target.url, applicationName: 'test' })
    try {
      await migrateDatabase(target.url)
      await db('schema_migrations_lock').update({ is_locked: 1 })
      await db('schema_migrations')
        .where({ name: MIGRATIONS.at(-1)?.name })
        .delete()
      await MIGRATIONS.at(-1)?.down(db)
      await migrateDatabase(target.url)
      expect(await isSchemaCurrent(db, MIGRATIONS)).toBe(true)
    } finally {
      await db.destroy()
      await target.drop()
    }
  })

  it('behaviour: a migration may take longer than any statement of a service that serves', async () => {
    const target = await createTestDatabase({ migrate: () => Promise.resolve() })
    const db = openDatabase({ url: target.url, applicationName: 'test' })
    try {
      await migrateDatabase(target.url)
      await MIGRATIONS.at(-1)?.down(db)
      await db('schema_migrations')
        .where({ name: MIGRATIONS.at(-1)?.name })
        .delete()
      let migrating: Promise<void> | undefined
      await db.transaction(async (holder) => {
        await holder.raw('LOCK TABLE schema_migrations IN ACCESS EXCLUSIVE MODE')
        migrating = migrateDatabase(target.url)
        migrating.catch(() => undefined) // told below
        for (let second = 0; second < 22; second += 1) await holder.raw('SELECT pg_sleep(1)')
      })
      await migrating
      expect(await isSchemaCurrent(db, MIGRATIONS)).toBe(true)
    } finally {
      await db.destroy()
      await target.drop()
    }
  }, 120_000)
})
