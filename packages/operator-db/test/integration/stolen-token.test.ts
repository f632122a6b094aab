import { randomBytes } from 'node:crypto'
import type { Step } from '@c2d/contracts'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { migrateToLatest, openDatabase, openListener } from '@c2d/postgres'
import { createTestDatabase, podDatabaseUrl, TEST_POD_PASSWORD } from '@c2d/testing'
import {
  MIGRATIONS,
  claimJobs,
  endStepTokens,
  finishJob,
  listEvents,
  loadJob,
  loadResultKey,
  markResultsRemoved,
  registerStepToken,
  setPodPassword,
} from '@c2d/operator-db'
import { reportOutputs, reportProgress, reportProvisioning, reportPublishing } from '@c2d/operator-db/reports'
import { createOperatorDatabase, queueJob, type OperatorDatabase } from './operator-database.ts'

// What a stolen token of a step can do, and all that it cannot (DESIGN §4.6; README of this package).

type Client = Awaited<ReturnType<typeof openListener>>

let database: OperatorDatabase
let pod: Client

beforeAll(async () => {
  database = await createOperatorDatabase()
  await setPodPassword(database.db, TEST_POD_PASSWORD)
  pod = await openListener({ url: podDatabaseUrl(database.url), applicationName: 'thief' })
})
afterAll(async () => {
  await pod.end()
  await database.close()
})

const key = randomBytes(32)
const outputs = [{ filename: 'a', filesize: 1, url: 'filesystem:x/a', type: 'output' as const }]
const refused = { code: 'C2D01' }

interface Held {
  jobId: string
  epoch: number
  token: string
}

async function claimed(step: Step): Promise<Held> {
  const environment = `env-${randomBytes(6).toString('hex')}`
  await queueJob(database.db, { environment })
  const [job] = await claimJobs(database.db, { environment, maxJobs: 1, claimedBy: 'engine-1', leaseSeconds: 30 })
  if (!job) throw new Error('nothing was claimed')
  const token = randomBytes(32).toString('hex')
  await registerStepToken(database.db, { jobId: job.jobId, step, epoch: job.epoch, token })
  return { jobId: job.jobId, epoch: job.epoch, token }
}

/** Every report there is, with these words. */
function everyReport({ jobId, token }: Pick<Held, 'jobId' | 'token'>) {
  return {
    report_provisioning: reportProvisioning({ jobId, token, status: 30, detail: {} }),
    report_outputs: reportOutputs({ jobId, token, outputs }),
    report_publishing: reportPublishing({ jobId, token, keys: [{ object: 'o', key }], refusal: 'too many' }),
    report_progress: reportProgress({ jobId, token, detail: { mine: true } }),
  }
}

async function ownNames(kind: 'relations' | 'functions'): Promise<string[]> {
  const { rows } = await database.db.raw<{ rows: { name: string }[] }>(
    kind === 'relations'
      ? `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'f')`
      : `SELECT oid::regprocedure::text AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
  )
  return rows.map((row) => row.name)
}

describe('the role of pods, whatever token it has', () => {
  it('error: has no right to any table, view or column', async () => {
    const relations = await ownNames('relations')
    expect(relations).toEqual(expect.arrayContaining(['jobs', 'step_tokens', 'result_keys', 'job_events', 'job_queue']))
    for (const relation of relations) {
      for (const statement of [
        `SELECT 1 FROM ${relation}`,
        `INSERT INTO ${relation} DEFAULT VALUES`,
        `DELETE FROM ${relation}`,
        `TRUNCATE ${relation}`,
      ]) {
        expect([statement, await codeOf(statement)]).toEqual([
          statement,
          expect.stringMatching(/^(42501|42809|55000)$/),
        ])
      }
    }
    const { rows } = await database.db.raw<{ rows: unknown[] }>(
      `SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped
         AND has_column_privilege('c2d_pod', attrelid, attnum, 'SELECT, INSERT, UPDATE, REFERENCES')`,
    )
    expect(rows).toEqual([])
  })

  it('error: may call the four report functions and no other function of ours that does anything', async () => {
    const callable: string[] = []
    for (const name of await ownNames('functions')) {
      const { rows } = await database.db.raw<{ rows: { may: boolean }[] }>(
        `SELECT has_function_privilege('c2d_pod', ?::regprocedure, 'EXECUTE') AS may`,
        [name],
      )
      if (rows[0]?.may) callable.push(name)
    }
    expect(callable.sort()).toEqual([
      'announce(character varying,text,integer)', // runs with the caller's rights, which are none
      'report_outputs(text,text,jsonb)',
      'report_progress(text,text,jsonb)',
      'report_provisioning(text,text,integer,jsonb)',
      'report_publishing(text,text,jsonb)',
    ])
    expect(await codeOf(`SELECT * FROM announce('e', '{}', 1)`)).toBe('42501')
  })

  it('error: becomes nobody else, makes nothing, and reads no file of the server', async () => {
    for (const statement of [
      'SET ROLE c2d_service',
      'SET ROLE c2d_engine',
      'SET SESSION AUTHORIZATION c2d_service',
      'CREATE SCHEMA mine',
      'CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 1 $$',
      `ALTER ROLE c2d_pod CONNECTION LIMIT -1`,
      `SELECT pg_read_file('postgresql.conf')`,
      `COPY (SELECT 1) TO PROGRAM 'true'`,
      `SELECT * FROM pg_authid`,
    ]) {
      expect([statement, await codeOf(statement)]).toEqual([statement, expect.stringMatching(/^(42501|42P17)$/)])
    }
  })

  it('error: makes no temporary tables either, which would fill the disk', async () => {
    const fresh = await createTestDatabase({ migrate: () => Promise.resolve() })
    const db = openDatabase({ url: fresh.url, applicationName: 'test' })
    await migrateToLatest(db, MIGRATIONS)
    const { rows } = await db.raw<{ rows: unknown[] }>(
      `SELECT has_database_privilege('c2d_pod', current_database(), 'TEMPORARY, CREATE') AS may`,
    )
    await db.destroy()
    await fresh.drop()
    expect(rows).toEqual([{ may: false }])
  })

  it('error: sees no word that another pod says', async () => {
    const other = await openListener({ url: podDatabaseUrl(database.url), applicationName: 'pod' })
    const { jobId, token } = await claimed('publish')
    await other.query(reportOutputs({ jobId, token, outputs }))
    const { rows } = await pod.query<{ query: string }>(`SELECT query FROM pg_stat_activity WHERE query <> ''`)
    await other.end()
    expect(JSON.stringify(rows)).toContain('report_outputs($1')
    expect(JSON.stringify(rows)).not.toContain(token)
  })
})

describe.each(['configure', 'publish'] as const)('a stolen %s token', (step) => {
  const allowed = {
    configure: ['report_provisioning', 'report_progress'],
    publish: ['report_outputs', 'report_publishing', 'report_progress'],
  }[step]

  it('behaviour: says what its step may say of its own job', async () => {
    const held = await claimed(step)
    for (const [name, statement] of Object.entries(everyReport(held))) {
      if (allowed.includes(name)) await pod.query(statement)
      else await expect(pod.query(statement)).rejects.toMatchObject(refused)
    }
  })

  it('error: says nothing of another job, not even one whose own token lives', async () => {
    const held = await claimed(step)
    const other = await claimed(step)
    const before = [await loadJob(database.db, other.jobId), await listEvents(database.db, other.jobId)]
    for (const statement of Object.values(everyReport({ jobId: other.jobId, token: held.token }))) {
      await expect(pod.query(statement)).rejects.toMatchObject(refused)
    }
    expect([await loadJob(database.db, other.jobId), await listEvents(database.db, other.jobId)]).toEqual(before)
    expect(await keyedObjects(other.jobId)).toEqual([])
  })

  it('error: is worth nothing once its step has ended, another attempt has begun, or the job is over', async () => {
    const ended = await claimed(step)
    await endStepTokens(database.db, { jobId: ended.jobId, step })
    const replaced = await claimed(step)
    await registerStepToken(database.db, { ...replaced, step, token: 'the next attempt' })
    const finished = await claimed(step)
    await finishJob(database.db, { ...finished, by: 'engine-1', resultsKeptSeconds: 0 })
    for (const held of [ended, replaced, finished]) {
      for (const statement of Object.values(everyReport(held))) {
        await expect(pod.query(statement)).rejects.toMatchObject(refused)
      }
    }
  })

  it('error: moves no status but the one its step reports, ends no job, and picks no reason of its own', async () => {
    const held = await claimed(step)
    for (const status of [1, 10, 20, 40, 50, 60, 70]) {
      await expect(
        pod.query('SELECT report_provisioning($1, $2, $3, $4::jsonb)', [held.jobId, held.token, status, '{}']),
      ).rejects.toMatchObject({ code: expect.stringMatching(/^C2D0[12]$/) })
    }
    await expect(
      pod.query('SELECT report_publishing($1, $2, $3::jsonb)', [held.jobId, held.token, '{"reason":"Stopped"}']),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^C2D0[12]$/) })
    expect(await loadJob(database.db, held.jobId)).toMatchObject({ status: 20, reason: null, dateFinished: null })
  })
})

describe('report_publishing', () => {
  it('behaviour: keeps keys for the service alone, and forgets them with the results', async () => {
    const { jobId, epoch, token } = await claimed('publish')
    await pod.query(reportPublishing({ jobId, token, keys: [{ object: 'cid-1', key }] }))
    await pod.query(reportPublishing({ jobId, token, keys: [{ object: 'cid-1', key }] }))
    expect(await loadResultKey(database.db, { jobId, object: 'cid-1' })).toEqual(key)
    expect(await loadResultKey(database.db, { jobId: 'another', object: 'cid-1' })).toBeNull()
    expect(await keyedObjects(jobId)).toEqual(['cid-1'])
    await finishJob(database.db, { jobId, epoch, by: 'engine-1', resultsKeptSeconds: 1e-6 })
    expect(await markResultsRemoved(database.db, { jobId, by: 'engine-1', outputs: [] })).toBe(true)
    expect(await keyedObjects(jobId)).toEqual([])
  })

  it('behaviour: a refusal becomes the reason of a job that has none, once in its timeline', async () => {
    const { jobId, token } = await claimed('publish')
    const statement = reportPublishing({ jobId, token, refusal: '3 files are larger than allowed' })
    await pod.query(statement)
    await pod.query(statement)
    expect(await loadJob(database.db, jobId)).toMatchObject({ reason: 'OutputRefused', status: 20 })
    expect((await listEvents(database.db, jobId)).filter((event) => event.what === 'outputsRefused')).toEqual([
      expect.objectContaining({
        by: 'pod-publishing',
        detail: { reason: 'OutputRefused', message: '3 files are larger than allowed' },
      }),
    ])
  })

  it('error: an object keeps its key; what is no key is refused', async () => {
    const { jobId, token } = await claimed('publish')
    await pod.query(reportPublishing({ jobId, token, keys: [{ object: 'cid-1', key }] }))
    for (const detail of [
      { keys: [{ object: 'cid-1', key: randomBytes(32).toString('hex') }] },
      { keys: [{ object: 'cid-2', key: 'ab' }] },
      { keys: [{ object: '', key: key.toString('hex') }] },
      { keys: [{ object: 'x'.repeat(129), key: key.toString('hex') }] },
      { keys: [{ key: key.toString('hex') }] },
      { keys: {} },
      { keys: [null] },
      [],
    ]) {
      await expect(
        pod.query('SELECT report_publishing($1, $2, $3::jsonb)', [jobId, token, JSON.stringify(detail)]),
      ).rejects.toMatchObject({ code: 'C2D02' })
    }
    expect(await loadResultKey(database.db, { jobId, object: 'cid-1' })).toEqual(key)
    expect(await keyedObjects(jobId)).toEqual(['cid-1'])
  })
})

async function keyedObjects(jobId: string): Promise<string[]> {
  return database.db('result_keys').where({ job_id: jobId }).orderBy('object').pluck('object')
}

async function codeOf(statement: string): Promise<string> {
  try {
    await pod.query(statement)
    return 'it was allowed'
  } catch (error) {
    return (error as { code: string }).code
  }
}
