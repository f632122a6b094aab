import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  adoptJobs,
  advanceJob,
  claimJobs,
  finishJob,
  registerStepToken,
  jobsWithoutRow,
  listEvents,
  loadJob,
  recordOutcome,
  releaseLeases,
  renewLeases,
  requestStop,
  type JobRow,
} from '@c2d/operator-db'
import { sleep } from '@c2d/runtime'
import { createOperatorDatabase, queueJob, type OperatorDatabase } from './operator-database.ts'

let database: OperatorDatabase

beforeAll(async () => {
  database = await createOperatorDatabase()
})
afterAll(() => database.close())

const lease = (environment: string, claimedBy = 'engine-1') => ({ environment, claimedBy, leaseSeconds: 30 })

async function claimOne(environment: string): Promise<JobRow> {
  await queueJob(database.db, { environment })
  const [job] = await claimJobs(database.db, { ...lease(environment), maxJobs: 1_000 })
  if (!job) throw new Error('nothing was claimed')
  return job
}

async function expireLease(jobId: string): Promise<void> {
  await database.db.raw(`UPDATE jobs SET lease_expires_at = now() - interval '1 second' WHERE workflowid = ?`, [jobId])
}

describe('claimJobs', () => {
  it('behaviour: two engines that claim 200 jobs at once share none and claim all', async () => {
    const environment = 'env-race'
    const queued = await Promise.all(Array.from({ length: 200 }, () => queueJob(database.db, { environment })))
    const claimed: string[] = []
    const engine = async (claimedBy: string): Promise<void> => {
      const db = database.open()
      for (let round = 0; round < 40; round += 1) {
        const atWork = claimed.length
        const jobs = await claimJobs(db, { ...lease(environment, claimedBy), maxJobs: atWork + 7 })
        claimed.push(...jobs.map((job) => job.jobId))
        if (jobs.length === 0 && claimed.length === 200) return
      }
    }
    await Promise.all([engine('engine-1'), engine('engine-2'), engine('engine-3')])
    expect(claimed).toHaveLength(200)
    expect(new Set(claimed)).toEqual(new Set(queued))
  })

  it('behaviour: engines that claim at the same time never take more than the environment holds', async () => {
    const environment = 'env-slots'
    await Promise.all(Array.from({ length: 60 }, () => queueJob(database.db, { environment })))
    const pools = [database.open(), database.open(), database.open()]
    for (let round = 1; round <= 5; round += 1) {
      const maxJobs = round * 5
      await Promise.all(
        pools.flatMap((db, i) => [
          claimJobs(db, { ...lease(environment, `engine-${i}`), maxJobs }),
          claimJobs(db, { ...lease(environment, `engine-${i}`), maxJobs }),
        ]),
      )
      const { rows } = await database.db.raw<{ rows: { n: number }[] }>(
        `SELECT count(*)::int AS n FROM jobs WHERE namespace = ? AND status = 20`,
        [environment],
      )
      expect(rows[0]?.n).toBe(maxJobs)
    }
  })

  it('behaviour: a claim that waited for another counts what the other took', async () => {
    const environment = 'env-waits'
    await Promise.all(Array.from({ length: 8 }, () => queueJob(database.db, { environment })))
    expect(await claimJobs(database.db, { ...lease(environment), maxJobs: 1 })).toHaveLength(1)
    const first = await database.db.transaction()
    expect(await claimJobs(first, { ...lease(environment), maxJobs: 3 })).toHaveLength(2)
    const second = claimJobs(database.open(), { ...lease(environment, 'engine-2'), maxJobs: 5 })
    expect(await Promise.race([second, sleep(300).then(() => 'waiting')])).toBe('waiting')
    await first.commit()
    expect(await second).toHaveLength(2)
  })

  it('behaviour: oldest first, with status, epoch, lease and event; also those asked to stop', async () => {
    const environment = 'env-fifo'
    const ids = []
    for (let i = 0; i < 4; i += 1) ids.push(await queueJob(database.db, { environment }))
    await requestStop(database.db, { jobId: ids[0] })
    const jobs = await claimJobs(database.db, { ...lease(environment), maxJobs: 3 })
    expect(jobs.map((job) => job.jobId)).toEqual(ids.slice(0, 3))
    expect(jobs[0]).toMatchObject({
      status: 20,
      statusText: 'Configuring volumes',
      epoch: 1,
      claimedBy: 'engine-1',
      stopRequest: 1,
    })
    expect((await listEvents(database.db, ids[1] as string)).at(-1)).toMatchObject({
      what: 'claimed',
      by: 'engine-1',
      detail: { epoch: 1 },
    })
    expect(await claimJobs(database.db, { ...lease(environment), maxJobs: 3 })).toEqual([])
  })
})

describe('advanceJob', () => {
  it('behaviour: moves a job once, and notes it', async () => {
    const { jobId, epoch } = await claimOne('env-advance')
    const step = { jobId, epoch, from: 'configuring', to: 'publishing', by: 'engine-1', reason: 'Stopped' } as const
    expect(await advanceJob(database.db, step)).toBe(true)
    expect(await advanceJob(database.db, step)).toBe(false)
    expect(await loadJob(database.db, jobId)).toMatchObject({
      status: 60,
      statusText: 'Publishing results',
      reason: 'Stopped',
    })
    expect((await listEvents(database.db, jobId)).at(-1)).toMatchObject({
      what: 'publishing',
      detail: { from: 'configuring', reason: 'Stopped' },
    })
  })

  it('error: a stale epoch changes nothing, through any statement', async () => {
    const { jobId, epoch } = await claimOne('env-stale')
    await expireLease(jobId)
    const [adopted] = await adoptJobs(database.db, {
      environments: ['env-stale'],
      claimedBy: 'engine-2',
      leaseSeconds: 30,
      limit: 10,
    })
    expect(adopted).toMatchObject({ jobId, epoch: epoch + 1, claimedBy: 'engine-2' })
    const before = await loadJob(database.db, jobId)
    const stale = { jobId, epoch, by: 'engine-1' }
    expect(await advanceJob(database.db, { ...stale, from: 'configuring', to: 'publishing' })).toBe(false)
    expect(await recordOutcome(database.db, { jobId, epoch, reason: 'TimedOut', exitCode: 1 })).toBe(false)
    expect(await finishJob(database.db, stale)).toBe(false)
    expect(await registerStepToken(database.db, { jobId, step: 'configure', epoch, token: 'late' })).toBe(false)
    expect(await loadJob(database.db, jobId)).toEqual(before)
  })

  it('error: a move that the state table does not know is refused', async () => {
    const { jobId, epoch } = await claimOne('env-illegal')
    await expect(
      advanceJob(database.db, { jobId, epoch, from: 'configuring', to: 'finished', by: 'engine-1' }),
    ).rejects.toThrow('a job does not go from configuring to finished')
  })

  it.each([
    ['a lease on a job that ended', `UPDATE jobs SET datefinished = now() WHERE workflowid = ?`],
    ['a job in the queue that somebody holds', `UPDATE jobs SET status = 1 WHERE workflowid = ?`],
    ['results that expired before the end', `UPDATE jobs SET results_removed_at = now() WHERE workflowid = ?`],
    ['a claim that was taken back', `UPDATE jobs SET epoch = -1 WHERE workflowid = ?`],
    ['a stop nobody knows', `UPDATE jobs SET stopreq = 3 WHERE workflowid = ?`],
    [
      'a notification that is delivered and due',
      `INSERT INTO notifications (job_id, kind, url, body, delivered_at) VALUES (?, 'stop', 'http://x', '{}', now())`,
    ],
    ['attempts that were none', `INSERT INTO step_attempts (job_id, step, attempts) VALUES (?, 'publish', 0)`],
  ])('error: the database itself refuses %s', async (_what, statement) => {
    const { jobId } = await claimOne('env-possible')
    await expect(database.db.raw(statement, [jobId])).rejects.toMatchObject({ code: '23514' })
  })

  it('error: the database itself refuses a status nobody knows', async () => {
    const { jobId } = await claimOne('env-unknown')
    await expect(database.db('jobs').where({ workflowid: jobId }).update({ status: 33 })).rejects.toThrow(
      'jobs_status_is_known',
    )
  })
})

describe('leases', () => {
  it('behaviour: only jobs whose lease ran out are adopted, by one engine', async () => {
    const environment = 'env-adopt'
    const held = await claimOne(environment)
    const lost = await claimOne(environment)
    await expireLease(lost.jobId)
    const adopt = (claimedBy: string) =>
      adoptJobs(database.db, { environments: [environment, 'env-x'], claimedBy, leaseSeconds: 30, limit: 10 })
    const adopted = (await Promise.all([adopt('engine-2'), adopt('engine-3'), adopt('engine-4')])).flat()
    expect(adopted.map((job) => job.jobId)).toEqual([lost.jobId])
    expect((await loadJob(database.db, held.jobId))?.epoch).toBe(1)
    expect((await listEvents(database.db, lost.jobId)).at(-1)).toMatchObject({ what: 'adopted', detail: { epoch: 2 } })
  })

  it('behaviour: renewing and giving back go along with a stop of the same jobs', async () => {
    const [environment, owner] = ['env-lock-order', '0x00000000000000000000000000000000000000a1']
    for (let n = 0; n < 60; n += 1) await queueJob(database.db, { environment, owner })
    const claimedBy = 'engine-lock-order'
    await claimJobs(database.db, { ...lease(environment, claimedBy), maxJobs: 1_000 })
    const [engine, service] = [database.open(), database.open()]
    for (let round = 0; round < 40; round += 1) {
      await database.db.raw('UPDATE jobs SET stopreq = 0, claimed_by = ? WHERE namespace = ?', [claimedBy, environment])
      const [stopped, renewed] = await Promise.all([
        requestStop(service, { owner }),
        renewLeases(engine, { claimedBy, leaseSeconds: 30 }),
        renewLeases(engine, { claimedBy, leaseSeconds: 30 }),
      ])
      expect([stopped, renewed.length]).toEqual([60, 60])
      await database.db.raw('UPDATE jobs SET stopreq = 0 WHERE namespace = ?', [environment])
      const [, released] = await Promise.all([requestStop(service, { owner }), releaseLeases(engine, { claimedBy })])
      expect(released).toBe(60)
    }
  })

  it('behaviour: renewing says what is still held; giving back lets others adopt at once', async () => {
    const environment = 'env-renew'
    await queueJob(database.db, { environment })
    const [job] = await claimJobs(database.db, { ...lease(environment, 'engine-renew'), maxJobs: 1 })
    const renewal = { claimedBy: 'engine-renew', leaseSeconds: 30 }
    expect(await renewLeases(database.db, renewal)).toEqual([{ jobId: job?.jobId, epoch: 1 }])
    expect(await releaseLeases(database.db, { claimedBy: 'engine-renew' })).toBe(1)
    expect(await renewLeases(database.db, renewal)).toEqual([])
    const adoption = { environments: [environment], claimedBy: 'engine-next', leaseSeconds: 30, limit: 1 }
    expect(await adoptJobs(database.db, adoption)).toHaveLength(1)
  })
})

describe('finishJob', () => {
  it('behaviour: sets 70 where the table allows it, once, and keeps the outcome', async () => {
    const { jobId, epoch } = await claimOne('env-finish')
    await advanceJob(database.db, { jobId, epoch, from: 'configuring', to: 'publishing', by: 'engine-1' })
    const isolation = {
      sealed: true,
      egress: 'none' as const,
      probes: [{ name: 'dns', address: '10.43.0.10:53', answers: 0 }],
      rounds: 3,
      durationMs: 640,
    }
    const outcome = { reason: 'TimedOut', exitCode: 137, stopRequest: 2, isolation } as const
    expect(await recordOutcome(database.db, { jobId, epoch, ...outcome })).toBe(true)
    expect(await finishJob(database.db, { jobId, epoch, by: 'engine-1', to: 'finished' })).toBe(true)
    expect(await finishJob(database.db, { jobId, epoch, by: 'engine-1', to: 'finished' })).toBe(false)
    const row = await loadJob(database.db, jobId)
    expect(row).toMatchObject({
      status: 70,
      statusText: 'Job finished',
      reason: 'TimedOut',
      exitCode: 137,
      stopRequest: 2,
      isolation,
    })
    expect(row?.dateFinished).toMatch(/^\d{10}\.\d{6}$/)
    expect((await listEvents(database.db, jobId)).map((event) => event.what)).toEqual([
      'created',
      'claimed',
      'publishing',
      'outcome',
      'finished',
    ])
  })

  it('behaviour: who is to be told of the end is in the outbox exactly when the job ended', async () => {
    const { jobId, epoch } = await claimOne('env-finish-told')
    const notification = { url: 'http://127.0.0.1:1/stop', body: { jobId } }
    const outbox = () => database.db('notifications').where({ job_id: jobId }).select('kind', 'url', 'body')
    expect(await finishJob(database.db, { jobId, epoch: epoch + 1, by: 'engine-0', notification })).toBe(false)
    expect(await outbox()).toEqual([])
    expect(await finishJob(database.db, { jobId, epoch, by: 'engine-1', notification })).toBe(true)
    expect(await finishJob(database.db, { jobId, epoch, by: 'engine-1', notification })).toBe(false)
    expect(await outbox()).toEqual([{ kind: 'stop', ...notification }])
  })

  it('behaviour: a failed provisioning keeps its number', async () => {
    const { jobId, epoch } = await claimOne('env-finish-31')
    await advanceJob(database.db, { jobId, epoch, from: 'configuring', to: 'inputFailed', by: 'engine-1' })
    expect(await finishJob(database.db, { jobId, epoch, by: 'engine-1', to: 'finished' })).toBe(true)
    expect(await loadJob(database.db, jobId)).toMatchObject({ status: 31, statusText: 'Data provisioning failed' })
    const unknown = 'e'.repeat(32)
    const running = await claimOne('env-finish-31')
    expect(await jobsWithoutRow(database.db, [jobId, unknown, running.jobId])).toEqual([jobId, unknown])
  })
})
