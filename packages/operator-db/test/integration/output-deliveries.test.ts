import { randomBytes } from 'node:crypto'
import type { StoredResult } from '@c2d/contracts'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  claimJobs,
  endDelivery,
  finishJob,
  listEvents,
  loadDeliveryKey,
  loadJob,
  markResultsRemoved,
  postponeDelivery,
  registerStepToken,
  saveDelivery,
  takeDueDeliveries,
} from '@c2d/operator-db'
import { reportOutputs, reportPublishing } from '@c2d/operator-db/reports'
import type { Database } from '@c2d/postgres'
import { createOperatorDatabase, queueJob, type OperatorDatabase } from './operator-database.ts'

let database: OperatorDatabase
let db: Database

beforeAll(async () => {
  database = await createOperatorDatabase()
  db = database.db
})
afterAll(() => database.close())

const by = 'engine-1'
const key = randomBytes(32)

function buildRow(changes: Partial<StoredResult> = {}): StoredResult {
  return { filename: 'a', filesize: 1, url: 'filesystem:x/a', type: 'output', path: 'outputs/a', ...changes }
}

/** A job that ended with these results, in an environment of its own. */
async function ended(outputs: StoredResult[], end: { redeliverInSeconds?: number; resultsKeptSeconds?: number } = {}) {
  const environment = `env-${randomBytes(6).toString('hex')}`
  const jobId = await queueJob(db, { environment })
  await claimJobs(db, { environment, maxJobs: 1, claimedBy: by, leaseSeconds: 30 })
  const token = randomBytes(32).toString('hex')
  await registerStepToken(db, { jobId, step: 'publish', epoch: 1, token })
  const run = ({ text, values }: { text: string; values: unknown[] }) =>
    db.raw(
      text.replace(/\$\d/g, '?'),
      values.map((value) => value as string),
    )
  await run(reportPublishing({ jobId, token, keys: [{ object: 'cid', key }] }))
  await run(reportOutputs({ jobId, token, outputs }))
  expect(await finishJob(db, { jobId, epoch: 1, by, ...end })).toBe(true)
  return { jobId, take: () => takeDueDeliveries(db, { environments: [environment], leaseSeconds: 30, limit: 9 }) }
}

const undelivered = buildRow({ deliveryFailure: 'The storage answered 503.' })
const eventsOf = async (jobId: string) => (await listEvents(db, jobId)).map(({ what }) => what)

describe('deliveries that are still owed', () => {
  it('behaviour: begin with the end of a job whose consumer’s own storage did not take all', async () => {
    const { jobId, take } = await ended([buildRow({ delivered: true }), undelivered])
    expect(await eventsOf(jobId)).toEqual(expect.arrayContaining(['finished', 'deliveryDue']))
    expect(await take()).toEqual([{ jobId, attempt: 1, ageSeconds: expect.any(Number) }])
  })

  it('behaviour: are not there where all was delivered, whatever files are called', async () => {
    const { jobId, take } = await ended([buildRow({ delivered: true, filename: '"deliveryFailure":' })])
    expect(await eventsOf(jobId)).not.toContain('deliveryDue')
    expect(await take()).toEqual([])
  })

  it('behaviour: wait for their time, and are taken by one caller at a time', async () => {
    const later = await ended([undelivered], { redeliverInSeconds: 600 })
    expect(await later.take()).toEqual([])
    const now = await ended([undelivered])
    expect((await Promise.all([now.take(), now.take(), now.take()])).flat()).toHaveLength(1)
  })

  it('behaviour: only who took it last writes', async () => {
    const { jobId, take } = await ended([undelivered])
    await take()
    await db('output_deliveries')
      .where({ job_id: jobId })
      .update({ next_at: new Date(0) }) // as if its lease were over
    expect(await take()).toMatchObject([{ attempt: 2 }])
    const outputs = [buildRow({ delivered: true })]
    expect(await saveDelivery(db, { jobId, attempt: 1, leaseSeconds: 30, outputs })).toBe(false)
    await endDelivery(db, { jobId, attempt: 1, state: 'given up', by, detail: {} })
    await postponeDelivery(db, { jobId, attempt: 1, inSeconds: 0, by, detail: { why: 'stale' } })
    expect((await loadJob(db, jobId))?.outputs).toEqual([undelivered])
    expect(await saveDelivery(db, { jobId, attempt: 2, leaseSeconds: 30, outputs })).toBe(true)
    expect((await loadJob(db, jobId))?.outputs).toEqual(outputs)
    await endDelivery(db, { jobId, attempt: 2, state: 'delivered', by, detail: { files: 1 } })
    await endDelivery(db, { jobId, attempt: 2, state: 'delivered', by, detail: { files: 1 } })
    expect((await eventsOf(jobId)).slice(-2)).toEqual(['deliveryDue', 'outputsDelivered'])
    expect(await take()).toEqual([])
  })

  it('behaviour: one that is put off is due again, and its timeline says why', async () => {
    const { jobId, take } = await ended([undelivered])
    await take()
    await postponeDelivery(db, { jobId, attempt: 1, inSeconds: 0, by, detail: { why: 'it answered 503', left: 1 } })
    expect((await listEvents(db, jobId)).at(-1)).toMatchObject({
      what: 'deliveryFailed',
      detail: { why: 'it answered 503', left: 1 },
    })
    expect(await take()).toMatchObject([{ attempt: 2 }])
  })

  it('error: what has expired is not written over', async () => {
    const { jobId, take } = await ended([undelivered], { resultsKeptSeconds: 1e-6 })
    await take()
    expect(await markResultsRemoved(db, { jobId, by, outputs: [undelivered] })).toBe(true)
    expect(await saveDelivery(db, { jobId, attempt: 1, leaseSeconds: 30, outputs: [undelivered] })).toBe(false)
    expect((await loadJob(db, jobId))?.outputs).toMatchObject([{ expired: true, url: '' }])
  })

  it('behaviour: keys of encrypted results are given out as long as they are owed', async () => {
    const { jobId, take } = await ended([undelivered])
    expect(await loadDeliveryKey(db, { jobId, object: 'cid' })).toEqual(key)
    expect(await loadDeliveryKey(db, { jobId, object: 'another' })).toBeNull()
    await take()
    await endDelivery(db, { jobId, attempt: 1, state: 'delivered', by, detail: {} })
    expect(await loadDeliveryKey(db, { jobId, object: 'cid' })).toBeNull()
    const done = await ended([buildRow()])
    expect(await loadDeliveryKey(db, { jobId: done.jobId, object: 'cid' })).toBeNull()
  })
})
