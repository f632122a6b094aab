import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  ENGINE_ROLE,
  MIGRATIONS,
  SERVICE_ROLE,
  adoptJobs,
  advanceJob,
  announceEngine,
  announceEnvironment,
  areResultsRemoved,
  claimJobs,
  claimStopped,
  countAtWork,
  countAttempts,
  endDelivery,
  endExpiredQueued,
  endStepTokens,
  enqueueNotification,
  findJobs,
  finishJob,
  hasEnvironment,
  insertJob,
  insertProof,
  isAgreementInUse,
  isSettled,
  jobsWithoutRow,
  listEnvironments,
  listEvents,
  listExpiredResults,
  listSequels,
  listUnfinished,
  listUnprovenJobs,
  loadDeliveryKey,
  loadEngineOfJob,
  loadProof,
  loadProofSalts,
  loadQueuePositions,
  markNotificationDelivered,
  markNotificationFailed,
  markResultsRemoved,
  notifyJobs,
  opensResults,
  postponeDelivery,
  recordAttempt,
  recordOutcome,
  registerStepToken,
  releaseLeases,
  renewLeases,
  requestStop,
  saveDelivery,
  takeDueDeliveries,
  takeDueNotifications,
} from '@c2d/operator-db'
import type { ProofEnvelope } from '@c2d/contracts'
import { createNonceLedger, isSchemaCurrent, openDatabase, type Database } from '@c2d/postgres'
import { buildNewJob, createOperatorDatabase, queueJob, type OperatorDatabase } from './operator-database.ts'

let database: OperatorDatabase
let service: Database
let engine: Database

beforeAll(async () => {
  database = await createOperatorDatabase()
  service = openAs(SERVICE_ROLE)
  engine = openAs(ENGINE_ROLE)
})
afterAll(async () => {
  await service.destroy()
  await engine.destroy()
  await database.close()
})

/** Every session of the pool begins as a role, as if it had logged in with it. */
function openAs(role: string): Database {
  const url = new URL(database.url)
  url.searchParams.set('options', `-c timezone=UTC -c role=${role}`)
  return openDatabase({ url: url.toString(), applicationName: 'test' })
}

/** In the form of a proof; who signed it is no matter of the database's. */
function buildEnvelope(): ProofEnvelope {
  const address = `0x${'0'.repeat(40)}`
  const endorsement = { environment, environmentAddress: address, keyAddress: address, validFrom: 0, validUntil: 1 }
  const signature = { keyid: address, sig: 'AA==', endorsement: { ...endorsement, signature: '0x' } }
  return { payloadType: 'application/vnd.in-toto+json', payload: 'e30=', signatures: [signature] }
}

const environment = 'env-roles'
const lease = { environment, claimedBy: 'engine-1', leaseSeconds: 30 }
const refusal = { code: '42501' }

describe('c2d_service', () => {
  it('behaviour: runs every statement of operator-service', async () => {
    expect(await service.raw('SELECT current_user')).toMatchObject({ rows: [{ current_user: SERVICE_ROLE }] })
    const job = buildNewJob({ environment })
    expect(await insertJob(service, job)).toMatchObject({ created: true })
    expect(await insertJob(service, job)).toMatchObject({ created: false })
    expect(await isAgreementInUse(service, job.agreementId)).toBe(true)
    expect(await findJobs(service, { jobId: job.jobId })).toHaveLength(1)
    expect(await listUnfinished(service)).not.toEqual([])
    expect(await requestStop(service, { jobId: job.jobId })).toBe(1)
    expect(await listEvents(service, job.jobId)).toHaveLength(2)
    await loadQueuePositions(service, environment)
    expect(await loadEngineOfJob(service, job.jobId)).toBeNull()
    expect(await areResultsRemoved(service, job.jobId)).toBe(false)
    expect(await loadProof(service, job.jobId)).toBeNull()
    expect(await loadProofSalts(service, job.jobId)).toEqual([])
    expect(await listSequels(service, [job.jobId])).toEqual(new Map())
    expect(await isSettled(service, job.jobId)).toBe(false)
    expect(await opensResults(service, { jobId: job.jobId, token: 'x' })).toBe(false)
    await listEnvironments(service, { maxAgeSeconds: 60 })
    const ledger = createNonceLedger({ window: '60' }, { db: service })
    expect(await ledger.spend('0xa', '1000')).toMatchObject({ fresh: true })
    expect(await ledger.spend('0xa', '2000')).toMatchObject({ fresh: true })
    expect(await ledger.spend('0xa', '2000')).toMatchObject({ fresh: false })
    await notifyJobs(service)
    expect(await isSchemaCurrent(service, MIGRATIONS)).toBe(true)
  })

  it.each([
    ['move a job', `UPDATE jobs SET status = 70`],
    ['end a job', `UPDATE jobs SET datefinished = now()`],
    ['name results', `UPDATE jobs SET outputsurl = '[]'`],
    ['queue a job as if claimed', `INSERT INTO jobs (workflowid, agreementid, epoch) VALUES ('x', 'x', 9)`],
    ['delete a job', `DELETE FROM jobs`],
    ['claim', `SELECT * FROM claim_jobs('e', 1, 'me', 30)`],
    ['ask for the front of a queue', `SELECT * FROM queue_front('e', 1)`],
    ['read tokens of steps', `SELECT * FROM step_tokens`],
    ['make tokens of steps', `INSERT INTO step_tokens (job_id, step, token_sha256) VALUES ('x', 'publish', 'x')`],
    ['report as a pod', `SELECT report_outputs('x', 'x', '[]')`],
    ['rewrite a timeline', `UPDATE job_events SET what = 'x'`],
    ['announce an environment', `INSERT INTO envs (namespace) VALUES ('x')`],
    ['announce an engine', `INSERT INTO engines (instance, url) VALUES ('x', 'http://x')`],
    ['send notifications', `SELECT * FROM notifications`],
    ['sign a proof', `INSERT INTO proofs (job_id, envelope) VALUES ('x', '{}')`],
    ['read what was signed for a chain', `SELECT raw FROM chain_transactions`],
    ['send to a chain', `UPDATE chain_transactions SET state = 'sent'`],
    ['make an asset', `UPDATE derived_assets SET state = 'published'`],
    ['take a nonce back', `UPDATE nonce_spent SET nonce = 0`],
    ['make a table', `CREATE TABLE public.mine (a int)`],
  ])('error: cannot %s', async (_what, statement) => {
    await expect(service.raw(statement)).rejects.toMatchObject(refusal)
  })
})

describe('c2d_engine', () => {
  it('behaviour: runs every statement of operator-engine', async () => {
    expect(await isSchemaCurrent(engine, MIGRATIONS)).toBe(true)
    await announceEnvironment(engine, {
      ...{ id: environment, cpuNumber: 1, cpuType: '', gpuNumber: 0, gpuType: '', ramGB: 1, diskGB: 1, priceMin: 0 },
      ...{ desc: '', currentJobs: 0, maxJobs: 1, consumerAddress: '0x', storageExpiry: 0, maxJobDuration: 60 },
    })
    expect(await hasEnvironment(engine, environment)).toBe(true)
    await announceEngine(engine, { instance: 'engine-1', url: null })
    const stopped = await queueJob(database.db, { environment })
    await requestStop(database.db, { jobId: stopped })
    expect((await claimStopped(engine, lease)).map((job) => job.jobId)).toContain(stopped)
    const jobId = await queueJob(database.db, { environment })
    await countAtWork(engine, [environment])
    const claimed = await claimJobs(engine, { ...lease, maxJobs: 1_000 })
    expect(claimed.map((job) => job.jobId)).toContain(jobId)
    const claim = { jobId, epoch: 1 }
    expect(await registerStepToken(engine, { ...claim, step: 'configure', token: 'a' })).toBe(true)
    expect(await registerStepToken(engine, { ...claim, step: 'configure', token: 'b' })).toBe(true)
    expect(await recordAttempt(engine, { ...claim, step: 'configure', attempt: 1 })).toBe(1)
    expect(await recordAttempt(engine, { ...claim, step: 'configure', attempt: 2 })).toBe(2)
    expect(await countAttempts(engine, { jobId, step: 'configure' })).toBe(2)
    await endStepTokens(engine, { jobId, step: 'configure' })
    expect(await renewLeases(engine, lease)).not.toEqual([])
    expect(await releaseLeases(engine, lease)).toBeGreaterThan(0)
    expect(await adoptJobs(engine, { ...lease, environments: [environment], limit: 9 })).not.toEqual([])
    const held = { jobId, epoch: 2, by: 'engine-1' }
    expect(await advanceJob(engine, { ...held, from: 'configuring', to: 'publishing' })).toBe(true)
    const isolation = { sealed: true, egress: 'none' as const, probes: [], rounds: 3, durationMs: 640 }
    expect(await recordOutcome(engine, { ...held, reason: 'TimedOut', stopRequest: 2, isolation })).toBe(true)
    const notification = { url: 'http://127.0.0.1:1', body: { jobId } }
    expect(await finishJob(engine, { ...held, to: 'finished', resultsKeptSeconds: 1e-6, notification })).toBe(true)
    expect(await listExpiredResults(engine, { environments: [environment] })).toMatchObject([{ jobId, environment }])
    expect(await markResultsRemoved(engine, { jobId, by: 'engine-1', outputs: [] })).toBe(true)
    expect(await jobsWithoutRow(engine, [jobId])).toEqual([jobId])
    const unproven = { environments: [environment], limit: 9 }
    expect(await listUnprovenJobs(engine, { ...unproven, except: [] })).toContain(jobId)
    expect(await listUnprovenJobs(engine, { ...unproven, except: [jobId] })).not.toContain(jobId)
    const proof = { jobId, envelope: buildEnvelope(), salts: [], isAnchored: false, by: 'engine-1' }
    expect([await insertProof(engine, proof), await insertProof(engine, proof)]).toEqual([true, false])
    expect(await listUnprovenJobs(engine, { ...unproven, except: [] })).not.toContain(jobId)
    const late = await queueJob(database.db, { environment, validUntil: null })
    const sweep = { environments: [{ id: environment, maxQueueSeconds: 1e-6 }], by: 'engine-1', limit: 9 }
    expect(await endExpiredQueued(engine, sweep)).toMatchObject([{ jobId: late, reason: 'QueueTimedOut' }])
    expect(await enqueueNotification(engine, { jobId, kind: 'start', ...notification })).toBe(true)
    const [due] = await takeDueNotifications(engine, { environments: [environment], leaseSeconds: 30 })
    const { id } = due as { id: string }
    await markNotificationFailed(engine, { id, retryInSeconds: 1, error: 'x' })
    await markNotificationDelivered(engine, id)
    await database.db('output_deliveries').insert({ job_id: jobId, environment })
    const [delivery] = await takeDueDeliveries(engine, { environments: [environment], leaseSeconds: 30, limit: 9 })
    const taken = { jobId, attempt: 1, by: 'engine-1' }
    expect(delivery).toMatchObject({ jobId, attempt: 1 })
    await saveDelivery(engine, { ...taken, leaseSeconds: 30, outputs: [] })
    expect(await loadDeliveryKey(engine, { jobId, object: 'cid' })).toBeNull()
    await postponeDelivery(engine, { ...taken, inSeconds: 1, detail: { why: 'x' } })
    await endDelivery(engine, { ...taken, state: 'given up', detail: { why: 'x' } })
    await notifyJobs(engine)
  })

  it.each([
    ['queue a job', `INSERT INTO jobs (workflowid, agreementid) VALUES ('x', 'x')`],
    ['change what was signed', `UPDATE proofs SET envelope = '{}'`],
    ['change a salt', `UPDATE proofs SET salts = '[]'`],
    ['change what was asked', `UPDATE jobs SET workflow = '{}'`],
    ['change whose job it is', `UPDATE jobs SET owner = '0xme'`],
    ['delete a job', `DELETE FROM jobs`],
    ['read the keys of results', `SELECT key FROM result_keys`],
    ['deliver the outputs of another job', `UPDATE output_deliveries SET job_id = 'x'`],
    ['read nonces', `SELECT * FROM nonce_highest`],
    ['read spent nonces', `SELECT * FROM nonce_spent`],
    ['spend nonces', `INSERT INTO nonce_highest (address, highest) VALUES ('0xa', 1)`],
    ['report as a pod', `SELECT report_outputs('x', 'x', '[]')`],
    ['rewrite a timeline', `UPDATE job_events SET what = 'x'`],
    ['forget a notification', `DELETE FROM notifications`],
    ['send a notification elsewhere', `UPDATE notifications SET url = 'http://x'`],
    ['change the schema', `ALTER TABLE jobs ADD COLUMN mine int`],
  ])('error: cannot %s', async (_what, statement) => {
    await expect(engine.raw(statement)).rejects.toMatchObject({ code: expect.stringMatching(/^42501$/) })
  })
})

describe('both', () => {
  it('behaviour: cannot log in until an operator says so', async () => {
    const { rows } = await database.db.raw<{ rows: unknown[] }>(
      `SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles
       WHERE rolname IN ('${SERVICE_ROLE}', '${ENGINE_ROLE}') ORDER BY rolname`,
    )
    const nothing = { rolcanlogin: false, rolsuper: false, rolcreaterole: false, rolcreatedb: false }
    expect(rows).toEqual([
      { rolname: ENGINE_ROLE, ...nothing },
      { rolname: SERVICE_ROLE, ...nothing },
    ])
  })
})
