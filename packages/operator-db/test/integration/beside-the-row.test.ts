import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  announceEngine,
  areResultsRemoved,
  claimJobs,
  countAttempts,
  enqueueNotification,
  finishJob,
  listEvents,
  listEventsSince,
  listExpiredResults,
  loadEngineOfJob,
  loadJob,
  markNotificationDelivered,
  markNotificationFailed,
  markResultsRemoved,
  noteResultsNotRemoved,
  recordAttempt,
  releaseLeases,
  takeDueNotifications,
  type JobRow,
} from '@c2d/operator-db'
import { createOperatorDatabase, queueJob, type OperatorDatabase } from './operator-database.ts'

let database: OperatorDatabase

beforeAll(async () => {
  database = await createOperatorDatabase()
})
afterAll(() => database.close())

async function claimOne(environment: string, claimedBy = 'engine-1'): Promise<JobRow> {
  await queueJob(database.db, { environment })
  const [job] = await claimJobs(database.db, { environment, maxJobs: 1_000, claimedBy, leaseSeconds: 30 })
  if (!job) throw new Error('nothing was claimed')
  return job
}

describe('results that expire', () => {
  async function finishWithResults(environment: string, resultsKeptSeconds?: number): Promise<string> {
    const { jobId, epoch } = await claimOne(environment)
    const outputs = [{ filename: 'a', filesize: 1, url: `filesystem:${jobId}/a`, type: 'output' }]
    await database
      .db('jobs')
      .where({ workflowid: jobId })
      .update({ outputsurl: JSON.stringify(outputs) })
    await finishJob(database.db, { jobId, epoch, by: 'engine-1', resultsKeptSeconds })
    return jobId
  }

  it('behaviour: are listed when due, and forgotten once, with an event', async () => {
    const environment = 'env-expiry'
    const due = await finishWithResults(environment, 3600)
    const later = await finishWithResults(environment, 3600)
    const forEver = await finishWithResults(environment, 0)
    await database.db.raw(`UPDATE jobs SET results_expire_at = now() - interval '1 second' WHERE workflowid = ?`, [due])
    const [listed] = await listExpiredResults(database.db, { environments: [environment] })
    const outputs = [{ filename: 'a', filesize: 1, url: `filesystem:${due}/a`, type: 'output' as const }]
    expect(listed).toMatchObject({ jobId: due, environment, outputs })
    expect(await listExpiredResults(database.db, { environments: [environment], after: listed })).toEqual([])
    expect(await listExpiredResults(database.db, { environments: ['another'] })).toEqual([])
    for (let times = 0; times < 2; times++) {
      await noteResultsNotRemoved(database.db, { jobId: due, by: 'engine-1', detail: 'The bucket does not answer.' })
    }
    expect(await markResultsRemoved(database.db, { jobId: due, by: 'engine-1', outputs })).toBe(true)
    expect(await markResultsRemoved(database.db, { jobId: due, by: 'engine-1', outputs })).toBe(false)
    for (const jobId of [later, forEver]) {
      expect(await markResultsRemoved(database.db, { jobId, by: 'engine-1', outputs })).toBe(false)
      expect((await loadJob(database.db, jobId))?.outputs).toHaveLength(1)
      expect(await areResultsRemoved(database.db, jobId)).toBe(false)
    }
    expect(await listExpiredResults(database.db, { environments: [environment] })).toEqual([])
    expect((await loadJob(database.db, due))?.outputs).toEqual([
      { filename: 'a', filesize: 1, url: '', type: 'output', expired: true },
    ])
    expect(await areResultsRemoved(database.db, due)).toBe(true)
    expect(await database.db('jobs').where({ workflowid: due }).first('removed')).toEqual({ removed: 0 })
    expect((await listEvents(database.db, due)).slice(-2)).toMatchObject([
      { what: 'resultsNotRemoved', by: 'engine-1', detail: { detail: 'The bucket does not answer.' } },
      { what: 'resultsExpired', by: 'engine-1', detail: { results: 1 } },
    ])
  })
})

describe('engines', () => {
  it('behaviour: the engine that holds a job is found while its lease runs', async () => {
    const { jobId } = await claimOne('env-engine', 'engine-found')
    expect(await loadEngineOfJob(database.db, jobId)).toBeNull()
    await announceEngine(database.db, { instance: 'engine-found', url: null })
    expect(await loadEngineOfJob(database.db, jobId)).toBeNull()
    await announceEngine(database.db, { instance: 'engine-found', url: 'http://127.0.0.1:1' })
    expect(await loadEngineOfJob(database.db, jobId)).toEqual({ instance: 'engine-found', url: 'http://127.0.0.1:1' })
    await releaseLeases(database.db, { claimedBy: 'engine-found' })
    expect(await loadEngineOfJob(database.db, jobId)).toBeNull()
  })

  it('behaviour: one that was silent for a day is forgotten', async () => {
    await announceEngine(database.db, { instance: 'engine-old', url: null })
    await database.db.raw(`UPDATE engines SET seen_at = now() - interval '2 days' WHERE instance = 'engine-old'`)
    await announceEngine(database.db, { instance: 'engine-new', url: null })
    expect(await database.db('engines').where({ instance: 'engine-old' })).toEqual([])
  })
})

describe('attempts', () => {
  it('behaviour: are counted a step, from 1, also by two at once; a stale claim counts nothing', async () => {
    const { jobId, epoch } = await claimOne('env-attempts')
    const attempt = { jobId, epoch, step: 'publish', attempt: 1 } as const
    const counted = await Promise.all([1, 2, 3].map(() => recordAttempt(database.open(), attempt)))
    expect(counted.sort()).toEqual([1, 2, 3])
    expect(await recordAttempt(database.db, { ...attempt, step: 'algorithm' })).toBe(1)
    expect(await recordAttempt(database.db, { ...attempt, epoch: epoch + 1 })).toBe(0)
    expect(await countAttempts(database.db, { jobId, step: 'publish' })).toBe(3)
    expect((await listEvents(database.db, jobId)).map(({ what }) => what)).not.toContain('retried')
  })

  it('behaviour: an attempt after the first is an event, once, also when it is begun again', async () => {
    const { jobId, epoch } = await claimOne('env-retried')
    const again = { jobId, epoch, step: 'algorithm', reason: 'Evicted' } as const
    await recordAttempt(database.db, { ...again, attempt: 2 })
    await recordAttempt(database.db, { ...again, attempt: 2 })
    await recordAttempt(database.db, { ...again, step: 'publish', attempt: 2, reason: 'exit code 1' })
    await recordAttempt(database.db, { ...again, step: 'publish', attempt: 3, reason: 'exit code 1' })
    const events = (await listEvents(database.db, jobId)).filter(({ what }) => what === 'retried')
    expect(events).toMatchObject([
      { by: 'engine-1', detail: { step: 'algorithm', attempt: 2, reason: 'Evicted' } },
      { detail: { step: 'publish', attempt: 2, reason: 'exit code 1' } },
      { detail: { step: 'publish', attempt: 3 } },
    ])
  })
})

describe('notifications', () => {
  const due = { environments: ['env-notify'], leaseSeconds: 30 }
  const isDue = (id: string) => database.db('notifications').where({ id }).update({ next_at: database.db.fn.now() })

  it('behaviour: each goes out once a job and kind, to one sender at a time', async () => {
    const { jobId } = await claimOne('env-notify')
    const start = { jobId, kind: 'start', url: 'http://127.0.0.1:1/start', body: { algoDID: null, jobId } } as const
    expect(await enqueueNotification(database.db, start)).toBe(true)
    expect(await enqueueNotification(database.db, { ...start, url: 'http://127.0.0.1:1/other' })).toBe(false)
    expect(await takeDueNotifications(database.db, { ...due, environments: ['another'] })).toEqual([])
    const taken = (await Promise.all([1, 2, 3].map(() => takeDueNotifications(database.open(), due)))).flat()
    expect(taken).toEqual([{ id: expect.any(String), ...start, attempt: 1 }])
    await markNotificationDelivered(database.db, taken[0]?.id as string)
    await markNotificationFailed(database.db, { id: taken[0]?.id as string, retryInSeconds: 0, error: 'late' })
    expect(await takeDueNotifications(database.db, due)).toEqual([])
  })

  it('behaviour: a failed one is tried again later, until it is given up; a sender that died is replaced', async () => {
    const { jobId } = await claimOne('env-notify')
    await enqueueNotification(database.db, { jobId, kind: 'stop', url: 'http://127.0.0.1:1', body: {} })
    const [first] = await takeDueNotifications(database.db, due)
    const id = first?.id as string
    await markNotificationFailed(database.db, { id, retryInSeconds: 3600, error: 'ECONNREFUSED' })
    expect(await takeDueNotifications(database.db, due)).toEqual([])
    await isDue(id)
    expect(await takeDueNotifications(database.db, due)).toMatchObject([{ id, attempt: 2 }])
    await isDue(id) // the second sender was never heard of again
    expect(await takeDueNotifications(database.db, due)).toMatchObject([{ id, attempt: 3 }])
    await markNotificationFailed(database.db, { id, retryInSeconds: null, error: 'gave up' })
    expect(await takeDueNotifications(database.db, due)).toEqual([])
  })
})

describe('listEventsSince', () => {
  it('behaviour: gives what is new of each job, in order, and nothing of others', async () => {
    const first = await claimOne('env-news')
    const second = await claimOne('env-news')
    const all = await listEventsSince(database.db, [
      { jobId: first.jobId, afterId: '0' },
      { jobId: second.jobId, afterId: '0' },
    ])
    expect([...all.keys()].sort()).toEqual([first.jobId, second.jobId].sort())
    const [created, claimed] = all.get(first.jobId) ?? []
    expect([created?.what, claimed?.what]).toEqual(['created', 'claimed'])
    const since = (afterId: string) => listEventsSince(database.db, [{ jobId: first.jobId, afterId }])
    expect((await since(created?.id ?? '')).get(first.jobId)).toEqual([claimed])
    expect((await since(claimed?.id ?? '')).size).toBe(0)
    expect((await listEventsSince(database.db, [])).size).toBe(0)
  })
})
