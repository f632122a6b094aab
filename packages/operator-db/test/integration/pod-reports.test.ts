import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openListener } from '@c2d/postgres'
import {
  JOBS_CHANNEL,
  claimJobs,
  endStepTokens,
  finishJob,
  registerStepToken,
  listEvents,
  loadJob,
  setPodPassword,
} from '@c2d/operator-db'
import { reportOutputs, reportProgress, reportProvisioning } from '@c2d/operator-db/reports'
import type { Step } from '@c2d/contracts'
import { createOperatorDatabase, queueJob, type OperatorDatabase } from './operator-database.ts'
import { podDatabaseUrl, TEST_POD_PASSWORD } from '@c2d/testing'

type Client = Awaited<ReturnType<typeof openListener>>

let database: OperatorDatabase
let pod: Client

beforeAll(async () => {
  database = await createOperatorDatabase()
  await setPodPassword(database.db, TEST_POD_PASSWORD)
  pod = await openListener({ url: podDatabaseUrl(database.url), applicationName: 'pod' })
})
afterAll(async () => {
  await pod.end()
  await database.close()
})

const outputs = [{ filename: 'a.csv', filesize: 3, url: 'filesystem:x/a.csv', type: 'output' as const }]
const provisioned = { status: 30, detail: { reason: null, message: 'ok', files: [{ did: 'x', sha256: 'y' }] } } as const
const refusal = { code: 'C2D01' }

async function claimWithToken(step: Step): Promise<{ jobId: string; epoch: number; token: string }> {
  const environment = `env-${Math.random()}`
  await queueJob(database.db, { environment })
  const [job] = await claimJobs(database.db, { environment, maxJobs: 1, claimedBy: 'engine-1', leaseSeconds: 30 })
  if (!job) throw new Error('nothing was claimed')
  const token = await register(job.jobId, step, job.epoch)
  return { jobId: job.jobId, epoch: job.epoch, token }
}

async function register(jobId: string, step: Step, epoch: number): Promise<string> {
  const token = randomBytes(32).toString('hex')
  expect(await registerStepToken(database.db, { jobId, step, epoch, token })).toBe(true)
  return token
}

async function listenDuring(use: () => Promise<unknown>): Promise<(string | undefined)[]> {
  const listener = await openListener({ url: database.url, applicationName: 'listener' })
  const heard: (string | undefined)[] = []
  listener.on('notification', (notification) => heard.push(notification.payload))
  await listener.query(`LISTEN ${JOBS_CHANNEL}`)
  await use()
  await listener.query('SELECT 1') // notifications that were sent come with the answer
  await listener.end()
  return heard
}

describe('report_provisioning', () => {
  it('behaviour: a provisioned job moves on with its manifest, wakes the engine, and may be reported again', async () => {
    const { jobId, token } = await claimWithToken('configure')
    const statement = reportProvisioning({ jobId, token, ...provisioned })
    expect(await listenDuring(() => pod.query(statement))).toEqual([''])
    const row = await loadJob(database.db, jobId)
    expect(row).toMatchObject({
      status: 30,
      statusText: 'Provisioning success',
      reason: null,
      staging: { files: [{ did: 'x', sha256: 'y' }] },
    })
    expect(await listenDuring(() => pod.query(statement))).toEqual([])
    expect(await loadJob(database.db, jobId)).toEqual(row)
    expect((await listEvents(database.db, jobId)).map((event) => event.what)).toEqual([
      'created',
      'claimed',
      'provisioned',
    ])
    await expect(
      pod.query(reportProvisioning({ jobId, token, status: 31, detail: { reason: 'InputFetchFailed' } })),
    ).rejects.toMatchObject({ code: 'C2D03' })
  })

  it('behaviour: a failed one keeps the reason', async () => {
    const { jobId, token } = await claimWithToken('configure')
    const detail = { reason: 'InputRejected' as const, message: 'other bytes', files: [] }
    await pod.query(reportProvisioning({ jobId, token, status: 31, detail }))
    expect(await loadJob(database.db, jobId)).toMatchObject({
      status: 31,
      statusText: 'Data provisioning failed',
      reason: 'InputRejected',
    })
    expect((await listEvents(database.db, jobId)).at(-1)).toMatchObject({
      what: 'inputFailed',
      by: 'pod-configuration',
      detail: { reason: 'InputRejected', message: 'other bytes' },
    })
  })

  it('error: any other status, or a detail that is no object, is refused', async () => {
    const { jobId, token } = await claimWithToken('configure')
    for (const [status, detail] of [
      [70, '{}'],
      [40, '{}'],
      [30, '"x"'],
      [30, '[]'],
      [30, null],
    ]) {
      await expect(
        pod.query('SELECT report_provisioning($1, $2, $3, $4::jsonb)', [jobId, token, status, detail]),
      ).rejects.toMatchObject({ code: 'C2D02' })
    }
    expect((await loadJob(database.db, jobId))?.status).toBe(20)
  })
})

describe('tokens', () => {
  it('behaviour: a step started a second time does not silence the pod of the first', async () => {
    const { jobId, epoch, token } = await claimWithToken('configure')
    expect(await registerStepToken(database.db, { jobId, step: 'configure', epoch, token })).toBe(true)
    await pod.query(reportProvisioning({ jobId, token, ...provisioned }))
    expect((await loadJob(database.db, jobId))?.status).toBe(30)
  })

  it('error: a wrong, ended, replaced, foreign or other step token changes nothing', async () => {
    const { jobId, epoch, token } = await claimWithToken('configure')
    const other = await claimWithToken('configure')
    const publish = await register(jobId, 'publish', epoch)
    const newer = await register(jobId, 'configure', epoch)
    const before = await loadJob(database.db, jobId)
    for (const wrong of ['f'.repeat(64), '', other.token, publish, token]) {
      await expect(pod.query(reportProvisioning({ jobId, token: wrong, ...provisioned }))).rejects.toMatchObject(
        refusal,
      )
    }
    for (const wrong of [newer, other.token]) {
      await expect(pod.query(reportOutputs({ jobId, token: wrong, outputs }))).rejects.toMatchObject(refusal)
    }
    await endStepTokens(database.db, { jobId, step: 'configure' })
    await expect(pod.query(reportProvisioning({ jobId, token: newer, ...provisioned }))).rejects.toMatchObject(refusal)
    expect(await loadJob(database.db, jobId)).toEqual(before)
    await pod.query(reportOutputs({ jobId, token: publish, outputs })) // the other step's token still lives
  })

  it('behaviour: finishing a job ends its tokens; only hashes are kept', async () => {
    const { jobId, epoch, token } = await claimWithToken('publish')
    const stored = await database.db('step_tokens').where({ job_id: jobId })
    expect(JSON.stringify(stored)).not.toContain(token)
    await finishJob(database.db, { jobId, epoch, by: 'engine-1' })
    await expect(pod.query(reportOutputs({ jobId, token, outputs }))).rejects.toMatchObject(refusal)
  })
})

describe('report_outputs and report_progress', () => {
  it('behaviour: outputs are kept in their order and wake the engine', async () => {
    const { jobId, token } = await claimWithToken('publish')
    const heard = await listenDuring(() => pod.query(reportOutputs({ jobId, token, outputs })))
    expect(heard).toEqual([''])
    expect((await loadJob(database.db, jobId))?.outputs).toEqual(outputs)
    await expect(
      pod.query('SELECT report_outputs($1, $2, $3::jsonb)', [jobId, token, '[{"filename": 1}]']),
    ).rejects.toMatchObject({ code: 'C2D02' })
  })

  it('behaviour: progress is a line of the timeline, of bounded size and number', async () => {
    const { jobId, token } = await claimWithToken('configure')
    await pod.query(reportProgress({ jobId, token, detail: { bytes: 5 } }))
    expect((await listEvents(database.db, jobId)).at(-1)).toMatchObject({
      what: 'progress',
      by: 'configure',
      detail: { bytes: 5 },
    })
    await expect(
      pod.query(reportProgress({ jobId, token, detail: { text: 'x'.repeat(5_000) } })),
    ).rejects.toMatchObject({ code: 'C2D02' })
    await expect(pod.query(reportProgress({ jobId, token: 'no', detail: {} }))).rejects.toMatchObject(refusal)
    await database.db.raw(
      `INSERT INTO job_events (job_id, what, by_whom) SELECT ?, 'progress', 'test' FROM generate_series(1, 999)`,
      [jobId],
    )
    await pod.query(reportProgress({ jobId, token, detail: { dropped: true } }))
    expect((await listEvents(database.db, jobId)).filter((event) => event.what === 'progress')).toHaveLength(1_000)
  })
})

describe('the role of pods', () => {
  it('error: reads and writes nothing by itself', async () => {
    for (const statement of [
      'SELECT * FROM jobs',
      'SELECT * FROM step_tokens',
      'SELECT * FROM job_events',
      'SELECT * FROM envs',
      'SELECT * FROM nonce_spent',
      'SELECT * FROM schema_migrations',
      "SELECT * FROM claim_jobs('env-1', 5, 'pod', 30)",
      "SELECT * FROM announce('env-1', '{}', 5)",
      "SELECT has_live_token('a', 'configure', 'b')",
      "SELECT lock_reported_job('a', 'configure', 'b')",
      'UPDATE jobs SET status = 70',
      'DELETE FROM jobs',
      'CREATE TABLE public.mine (id int)',
      'CREATE ROLE mine',
    ]) {
      await expect(pod.query(statement)).rejects.toMatchObject({ code: '42501' })
    }
  })

  it('behaviour: has the limits of a stranger', async () => {
    const { rows } = await database.db.raw<{ rows: unknown[] }>(
      `SELECT rolconnlimit, rolsuper, rolcreaterole, rolcreatedb, rolinherit FROM pg_roles WHERE rolname = 'c2d_pod'`,
    )
    expect(rows).toEqual([
      { rolconnlimit: 100, rolsuper: false, rolcreaterole: false, rolcreatedb: false, rolinherit: false },
    ])
    expect((await pod.query<{ statement_timeout: string }>('SHOW statement_timeout')).rows).toEqual([
      { statement_timeout: '10s' },
    ])
  })

  it('error: only printable ASCII is a password', async () => {
    await expect(setPodPassword(database.db, 'zwölf')).rejects.toThrow(RangeError)
  })
})
