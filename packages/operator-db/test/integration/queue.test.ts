import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  claimJobs,
  claimStopped,
  countAtWork,
  endExpiredQueued,
  listEvents,
  loadJob,
  loadQueuePositions,
  requestStop,
} from '@c2d/operator-db'
import { createOperatorDatabase, queueJob, type OperatorDatabase } from './operator-database.ts'

let database: OperatorDatabase

beforeAll(async () => {
  database = await createOperatorDatabase()
})
afterAll(() => database.close())

const lease = (environment: string) => ({ environment, claimedBy: 'engine-1', leaseSeconds: 30 })

async function queueMany(environment: string, owner: string, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i += 1) ids.push(await queueJob(database.db, { environment, owner }))
  return ids
}

async function positionsOf(environment: string, jobIds: string[]): Promise<(number | undefined)[]> {
  const positions = await loadQueuePositions(database.db, environment)
  return jobIds.map((jobId) => positions.get(jobId))
}

const agedBy = (jobId: string, seconds: number) =>
  database.db.raw(`UPDATE jobs SET datecreated = datecreated - make_interval(secs => ?) WHERE workflowid = ?`, [
    seconds,
    jobId,
  ])

describe('the queue', () => {
  it('behaviour: a consumer with 1 000 queued jobs does not starve one with one', async () => {
    const environment = 'env-fair'
    await database.db.raw(
      `INSERT INTO jobs (workflowid, agreementid, owner, status, namespace)
       SELECT 'greedy-' || n, 'greedy-' || n, '0xGreedy', 1, ? FROM generate_series(1, 1000) AS n`,
      [environment],
    )
    const [modest] = (await queueMany(environment, '0xModest', 1)) as [string]
    expect(await positionsOf(environment, [modest])).toEqual([2])
    const claimed = await claimJobs(database.db, { ...lease(environment), maxJobs: 2 })
    expect(claimed.map((job) => job.owner)).toEqual(['0xGreedy', '0xModest'])
  })

  it('behaviour: jobs at work count for the next turn, whatever the casing of the owner', async () => {
    const environment = 'env-busy'
    await queueMany(environment, '0xA', 3)
    await claimJobs(database.db, { ...lease(environment), maxJobs: 2 })
    await queueMany(environment, '0xa', 1)
    const later = await queueMany(environment, '0xB', 2)
    // A has two at work, so both jobs of B, which came later, go before the ones A still has.
    expect(await positionsOf(environment, later)).toEqual([1, 2])
    const claimed = await claimJobs(database.db, { ...lease(environment), maxJobs: 6 })
    expect(claimed).toHaveLength(4)
  })

  it('behaviour: one owner alone is served in order, and positions follow', async () => {
    const environment = 'env-alone'
    const ids = await queueMany(environment, '0xA', 4)
    expect(await positionsOf(environment, ids)).toEqual([1, 2, 3, 4])
    const [first] = await claimJobs(database.db, { ...lease(environment), maxJobs: 1 })
    expect(first?.jobId).toBe(ids[0])
    expect(await positionsOf(environment, ids)).toEqual([undefined, 1, 2, 3])
  })

  it('behaviour: environments do not count for each other', async () => {
    await queueMany('env-here', '0xA', 3)
    const [there] = (await queueMany('env-there', '0xA', 1)) as [string]
    expect(await positionsOf('env-there', [there])).toEqual([1])
  })

  it('behaviour: claims follow the positions, job by job', async () => {
    const environment = 'env-same-rule'
    const owners = ['0xA', '0xA', '0xB', '0xA', '0xC', '0xB', '0xA', '0xC']
    for (const owner of owners) await queueJob(database.db, { environment, owner })
    for (let slot = 1; slot <= owners.length; slot += 1) {
      const { rows } = await database.db.raw<{ rows: { id: string }[] }>(
        'SELECT job_id AS id FROM job_queue WHERE environment = ? ORDER BY position LIMIT 1',
        [environment],
      )
      const [claimed] = await claimJobs(database.db, { ...lease(environment), maxJobs: slot })
      expect(claimed?.jobId).toBe(rows[0]?.id)
    }
  })
})

describe('queue_front', () => {
  const front = async (environment: string, atMost: number) =>
    (
      await database.db.raw<{ rows: { job_id: string }[] }>('SELECT job_id FROM queue_front(?, ?)', [
        environment,
        atMost,
      ])
    ).rows
  const firstOfQueue = async (environment: string, atMost: number) =>
    (
      await database.db.raw<{ rows: { job_id: string }[] }>(
        'SELECT job_id FROM job_queue WHERE environment = ? ORDER BY position LIMIT ?',
        [environment, atMost],
      )
    ).rows
  /** Jobs at work and waiting, at random; some owners by several spellings, some jobs of the same moment. */
  const fill = (environment: string, owners: number, jobs: number) =>
    database.db.raw(
      `INSERT INTO jobs (workflowid, agreementid, owner, status, namespace, datecreated)
       SELECT :environment || n, :environment || n,
         CASE WHEN random() < 0.5 THEN 'owner ' ELSE 'OWNER ' END || floor(random() * :owners),
         CASE WHEN random() < 0.1 THEN 40 ELSE 1 END, :environment, now() - floor(random() * 500) * interval '1 second'
       FROM generate_series(1, :jobs) AS n`,
      { environment, owners, jobs },
    )

  it.each([
    ['one owner', 1, 40],
    ['a few owners', 5, 400],
    ['as many owners as jobs', 200, 200],
    ['more owners than it looks up one by one', 2_000, 1_500],
  ])('behaviour: gives what the view gives first: %s', async (_what, owners, jobs) => {
    const environment = `env-front-${owners}`
    await fill(environment, owners, jobs)
    for (const atMost of [0, 1, 2, 7, 100, 5_000]) {
      expect(await front(environment, atMost)).toEqual(await firstOfQueue(environment, atMost))
    }
  })

  it('behaviour: an adopted job without an owner has its turn as well', async () => {
    const environment = 'env-front-nobody'
    await fill(environment, 3, 30)
    await database.db.raw(
      `INSERT INTO jobs (workflowid, agreementid, status, namespace) VALUES ('nobody', 'nobody', 1, ?)`,
      [environment],
    )
    expect(await front(environment, 100)).toEqual(await firstOfQueue(environment, 100))
    expect(await front(environment, 100)).toContainEqual({ job_id: 'nobody' })
    expect(await front('env-front-empty', 100)).toEqual([])
  })
})

describe('claimStopped', () => {
  it('behaviour: stopped queued jobs are claimed although no slot is free, by one engine', async () => {
    const environment = 'env-stopped'
    const ids = await queueMany(environment, '0xA', 3)
    await claimJobs(database.db, { ...lease(environment), maxJobs: 1 })
    await requestStop(database.db, { jobId: ids[2] })
    expect(await claimJobs(database.db, { ...lease(environment), maxJobs: 1 })).toEqual([])
    const claims = await Promise.all([1, 2, 3].map(() => claimStopped(database.open(), lease(environment))))
    expect(claims.flat()).toMatchObject([
      { jobId: ids[2], stopRequest: 1, status: 20, epoch: 1, claimedBy: 'engine-1' },
    ])
    expect((await listEvents(database.db, ids[2] as string)).at(-1)).toMatchObject({ what: 'claimed', by: 'engine-1' })
    expect(await countAtWork(database.db, [environment, 'nobody'])).toEqual(new Map([[environment, 2]]))
  })
})

describe('the limit of waiting', () => {
  const sweep = (id: string, maxQueueSeconds = 60) => ({
    environments: [{ id, maxQueueSeconds }],
    by: 'engine-1',
    limit: 1_000,
  })
  const idsOf = (jobs: { jobId: string }[]) => jobs.map((job) => job.jobId)
  const nowSeconds = () => Math.floor(Date.now() / 1000)

  it('behaviour: jobs that waited too long are ended with their reason, once', async () => {
    const environment = 'env-patience'
    const validUntil = nowSeconds() + 600
    const old = await queueJob(database.db, { environment, validUntil })
    const young = await queueJob(database.db, { environment, validUntil: null })
    await agedBy(old, 120)
    expect(await endExpiredQueued(database.db, sweep(environment, 0))).toEqual([])
    expect(idsOf(await endExpiredQueued(database.db, sweep(environment)))).toEqual([old])
    expect(await endExpiredQueued(database.db, sweep(environment))).toEqual([])
    const row = await loadJob(database.db, old)
    expect(row).toMatchObject({ status: 70, statusText: 'Job finished', reason: 'QueueTimedOut', stopRequest: 0 })
    expect(row?.dateFinished).toMatch(/^\d{10}\.\d{6}$/)
    expect((await listEvents(database.db, old)).at(-1)).toMatchObject({
      what: 'finished',
      by: 'engine-1',
      detail: { reason: 'QueueTimedOut' },
    })
    expect(await loadJob(database.db, young)).toMatchObject({ status: 1, dateFinished: null })
  })

  it('behaviour: jobs that are not paid for any longer are ended where they wait, also without a limit', async () => {
    const environment = 'env-unpaid'
    const unpaid = await queueJob(database.db, { environment, validUntil: nowSeconds() - 1 })
    const paid = await queueJob(database.db, { environment, validUntil: nowSeconds() + 600 })
    const unlimited = await queueJob(database.db, { environment, validUntil: null })
    const elsewhere = await queueJob(database.db, { environment: 'env-unpaid-2', validUntil: nowSeconds() - 1 })
    expect(idsOf(await endExpiredQueued(database.db, sweep(environment, 0)))).toEqual([unpaid])
    expect(await loadJob(database.db, unpaid)).toMatchObject({ status: 70, reason: 'TimedOut', stopRequest: 2 })
    for (const jobId of [paid, unlimited, elsewhere]) {
      expect(await loadJob(database.db, jobId)).toMatchObject({ status: 1, dateFinished: null })
    }
  })

  it('behaviour: one that is both says that it was not paid for; of many, the oldest go first', async () => {
    const environment = 'env-both'
    const ids: string[] = []
    for (let nth = 0; nth < 3; nth += 1) {
      const jobId = await queueJob(database.db, { environment, validUntil: nowSeconds() - 1 })
      await agedBy(jobId, 300 - nth)
      ids.push(jobId)
    }
    const [first] = await endExpiredQueued(database.db, { ...sweep(environment), limit: 1 })
    expect(first).toMatchObject({ jobId: ids[0], reason: 'TimedOut' })
    expect(idsOf(await endExpiredQueued(database.db, sweep(environment)))).toEqual(ids.slice(1))
  })

  it('behaviour: a job is claimed or timed out, never both', async () => {
    const environment = 'env-either'
    const ids = await queueMany(environment, '0xA', 40)
    await Promise.all(ids.map((jobId) => agedBy(jobId, 120)))
    const [claimed, ended] = await Promise.all([
      claimJobs(database.open(), { ...lease(environment), maxJobs: 25 }),
      endExpiredQueued(database.open(), sweep(environment)),
    ])
    const both = idsOf([...claimed, ...ended])
    expect(new Set(both).size).toBe(both.length)
    for (const { jobId } of claimed) expect((await loadJob(database.db, jobId))?.dateFinished).toBeNull()
  })
})
