import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  claimJobs,
  claimStopped,
  countQueued,
  endExpiredQueued,
  listEvents,
  listExpiredQueued,
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
    expect(await countQueued(database.db, environment)).toBe(1)
  })
})

describe('the limit of waiting', () => {
  it('behaviour: jobs that waited too long are listed, then ended with their reason, once', async () => {
    const environment = 'env-patience'
    const [old, young] = (await queueMany(environment, '0xA', 2)) as [string, string]
    await agedBy(old, 120)
    const limit = { environment, maxQueueSeconds: 60 }
    expect((await listExpiredQueued(database.db, limit)).map((job) => job.jobId)).toEqual([old])
    expect(await endExpiredQueued(database.db, { ...limit, by: 'engine-1' })).toEqual([old])
    expect(await endExpiredQueued(database.db, { ...limit, by: 'engine-1' })).toEqual([])
    const row = await loadJob(database.db, old)
    expect(row).toMatchObject({ status: 70, statusText: 'Job finished', reason: 'QueueTimedOut' })
    expect(row?.dateFinished).toMatch(/^\d{10}\.\d{6}$/)
    expect((await listEvents(database.db, old)).at(-1)).toMatchObject({
      what: 'finished',
      by: 'engine-1',
      detail: { reason: 'QueueTimedOut' },
    })
    expect(await loadJob(database.db, young)).toMatchObject({ status: 1, dateFinished: null })
  })

  it('behaviour: a job is claimed or timed out, never both', async () => {
    const environment = 'env-either'
    const ids = await queueMany(environment, '0xA', 40)
    await Promise.all(ids.map((jobId) => agedBy(jobId, 120)))
    const [claimed, ended] = await Promise.all([
      claimJobs(database.open(), { ...lease(environment), maxJobs: 25 }),
      endExpiredQueued(database.open(), { environment, maxQueueSeconds: 60, by: 'engine-2' }),
    ])
    const both = [...claimed.map((job) => job.jobId), ...ended]
    expect(new Set(both).size).toBe(both.length)
    for (const { jobId } of claimed) expect((await loadJob(database.db, jobId))?.dateFinished).toBeNull()
  })
})
