import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  announceEnvironment,
  findJobs,
  hasEnvironment,
  insertJob,
  listEnvironments,
  listEvents,
  listUnfinished,
  loadEnvironment,
  loadJob,
  requestStop,
} from '@c2d/operator-db'
import type { EnvironmentAnnouncement } from '@c2d/contracts'
import { buildNewJob, createOperatorDatabase, queueJob, type OperatorDatabase } from './operator-database.ts'

let database: OperatorDatabase

beforeAll(async () => {
  database = await createOperatorDatabase()
})
afterAll(() => database.close())

const announcement: EnvironmentAnnouncement = {
  id: 'env-a',
  cpuNumber: 2,
  cpuType: '',
  gpuNumber: 0,
  gpuType: '',
  ramGB: 4,
  diskGB: 10,
  priceMin: 0.5,
  desc: 'für Tests',
  currentJobs: 0,
  maxJobs: 10,
  consumerAddress: '0x03b9d6Ba248fe931e338840223985CcC43E05894',
  storageExpiry: 0,
  maxJobDuration: 3600,
}

describe('insertJob', () => {
  it('queues a job that reads back whole', async () => {
    const job = buildNewJob({ owner: '0xAbC0000000000000000000000000000000000001' })
    expect(await insertJob(database.db, job)).toEqual({ jobId: job.jobId, created: true })
    const row = await loadJob(database.db, job.jobId)
    expect(row).toMatchObject({
      jobId: job.jobId,
      agreementId: job.agreementId,
      owner: job.owner,
      environment: 'env-1',
      status: 1,
      statusText: 'Warming up',
      dateFinished: null,
      outputs: null,
      stopRequest: 0,
      chainId: 8996,
      validUntil: 1_700_003_600,
      epoch: 0,
      claimedBy: null,
      reason: null,
      exitCode: null,
    })
    expect(row?.dateCreated).toMatch(/^\d{10}\.\d{6}$/)
    expect(Math.abs(Number(row?.dateCreated) - Date.now() / 1000)).toBeLessThan(120)
    expect(row?.workflow?.metadata.name).toBe(job.jobId)
    expect((await listEvents(database.db, job.jobId)).map((event) => event.what)).toEqual(['created'])
  })

  it('behaviour: the same request again gives the first job', async () => {
    const first = buildNewJob()
    await insertJob(database.db, first)
    const again = await insertJob(database.db, { ...buildNewJob(), ...first, jobId: 'f'.repeat(32) })
    expect(again).toEqual({ jobId: first.jobId, created: false })
    expect(await loadJob(database.db, 'f'.repeat(32))).toBeNull()
  })

  it('error: eight inserts of one agreement at once make one job, however it is spelt', async () => {
    const { agreementId } = buildNewJob()
    const spellings = [agreementId, agreementId.slice(2), agreementId.toUpperCase().replace('0X', '0x')]
    const attempts = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) =>
        insertJob(database.db, buildNewJob({ agreementId: spellings[i % 3] as string })),
      ),
    )
    expect(attempts.filter((attempt) => attempt.status === 'fulfilled')).toHaveLength(1)
    for (const attempt of attempts) {
      if (attempt.status === 'rejected') {
        expect(attempt.reason).toMatchObject({
          code: 'AgreementInUse',
          legacy: '`agreementId` already in use for other job.',
        })
      }
    }
    expect(await findJobs(database.db, { agreementId })).toHaveLength(1)
  })

  it('behaviour: eight equal requests at once are one job', async () => {
    const job = buildNewJob()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        insertJob(database.db, { ...job, jobId: buildNewJob().jobId, requestKey: job.requestKey }),
      ),
    )
    expect(answers.filter((answer) => answer.created)).toHaveLength(1)
    expect(new Set(answers.map((answer) => answer.jobId)).size).toBe(1)
  })
})

describe('findJobs', () => {
  it('behaviour: selectors are joined, casing of the owner and 0x do not matter, newest first', async () => {
    const owner = '0xAbC0000000000000000000000000000000000002'
    const older = buildNewJob({ owner })
    const newer = buildNewJob({ owner })
    await insertJob(database.db, older)
    await insertJob(database.db, newer)
    const ids = async (filter: Parameters<typeof findJobs>[1]) =>
      (await findJobs(database.db, filter)).map((job) => job.jobId)
    expect(await ids({ owner: owner.toLowerCase() })).toEqual([newer.jobId, older.jobId])
    expect(await ids({ agreementId: older.agreementId.slice(2), owner })).toEqual([older.jobId])
    expect(await ids({ jobId: newer.jobId, agreementId: older.agreementId })).toEqual([])
  })

  it('error: selecting by nothing is refused', async () => {
    await expect(findJobs(database.db, {})).rejects.toThrow(RangeError)
    await expect(requestStop(database.db, {})).rejects.toThrow(RangeError)
  })

  it('behaviour: a row whose texts cannot be read stops no other', async () => {
    const jobId = await queueJob(database.db)
    const fine = await queueJob(database.db)
    await database.db('jobs').where({ workflowid: jobId }).update({ workflow: '{"spec": 1', outputsurl: '{}' })
    const rows = await listUnfinished(database.db)
    expect(rows.find((row) => row.jobId === jobId)).toMatchObject({ workflow: null, outputs: null, chainId: null })
    expect(rows.find((row) => row.jobId === fine)?.workflow).not.toBeNull()
  })
})

describe('requestStop', () => {
  it('behaviour: asks unfinished jobs once and leaves finished ones alone', async () => {
    const owner = '0xAbC0000000000000000000000000000000000003'
    const running = await queueJob(database.db, { owner })
    const finished = await queueJob(database.db, { owner })
    await database.db('jobs').where({ workflowid: finished }).update({ datefinished: database.db.fn.now() })
    expect(await requestStop(database.db, { owner })).toBe(1)
    expect(await requestStop(database.db, { owner })).toBe(0)
    expect((await loadJob(database.db, running))?.stopRequest).toBe(1)
    expect((await loadJob(database.db, finished))?.stopRequest).toBe(0)
    expect((await listEvents(database.db, running)).map((event) => event.what)).toEqual(['created', 'stopRequested'])
  })
})

describe('environments', () => {
  it('behaviour: are listed while they are seen, for the chains they take', async () => {
    await announceEnvironment(database.db, announcement)
    await announceEnvironment(database.db, { ...announcement, id: 'env-b', allowedChainId: [1] })
    const ids = async (chainId?: number) =>
      (await listEnvironments(database.db, { chainId, maxAgeSeconds: 60 })).map((environment) => environment.id)
    expect(await ids()).toEqual(['env-a', 'env-b'])
    expect(await ids(1)).toEqual(['env-a', 'env-b'])
    expect(await ids(8996)).toEqual(['env-a'])
    await database.db.raw(`UPDATE envs SET lastping = lastping - interval '2 minutes' WHERE namespace = 'env-b'`)
    expect(await ids()).toEqual(['env-a'])
    expect(await hasEnvironment(database.db, 'env-b')).toBe(true)
    expect(await loadEnvironment(database.db, { id: 'env-b', maxAgeSeconds: 60 })).toBeNull()
    const [first] = await listEnvironments(database.db, { maxAgeSeconds: 60 })
    expect(first).toMatchObject(announcement)
    expect(first?.lastSeen).toMatch(/^\d{10}\.\d{6}$/)
  })

  it('behaviour: numbers that a reference engine announces as text are numbers, and unreadable ones are left out', async () => {
    const text = JSON.stringify({ ...announcement, cpuNumber: '4', maxJobs: '7', priceMin: '1.2' })
    await database.db('envs').insert({ namespace: 'env-py', status: text })
    await database.db('envs').insert({ namespace: 'env-broken', status: 'not json' })
    const listed = await listEnvironments(database.db, { maxAgeSeconds: 60 })
    expect(listed.find((environment) => environment.id === 'env-py')).toMatchObject({
      cpuNumber: 4,
      maxJobs: 7,
      priceMin: 1.2,
    })
    expect(listed.some((environment) => environment.id === 'env-broken')).toBe(false)
  })
})
