import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { isSchemaCurrent, migrateToLatest, openDatabase, rollbackLatest, type Database } from '@c2d/postgres'
import { createTestDatabase, type TestDatabase } from '@c2d/testing'
import { MIGRATIONS, claimJobs, findJobs, insertJob, listEvents, listUnfinished, loadJob } from '@c2d/operator-db'
import { buildNewJob, buildWorkflow } from './operator-database.ts'

// What `pgsqlinit` of the reference leaves in a database (operator-service-api §8).
const ORIGINAL_SCHEMA = `
  CREATE TABLE jobs (agreementid varchar(255) NOT NULL, workflowid varchar(255) NOT NULL, owner varchar(255),
    status int, statustext varchar(255), laststatusupdate timestamp DEFAULT now(), datecreated timestamp DEFAULT now(),
    datefinished timestamp, configlogurl text, publishlogurl text, algologurl text, outputsurl text, ddo text,
    namespace varchar(255), stopreq smallint DEFAULT 0, removed smallint DEFAULT 0, workflow text, provider varchar(255));
  CREATE UNIQUE INDEX uniq_agreementid_workflowid ON jobs (agreementid, workflowid);
  CREATE TABLE envs (namespace varchar(255) NOT NULL, status text, lastping timestamp DEFAULT now());
  CREATE UNIQUE INDEX unique_namespace ON envs (namespace);
  CREATE TABLE nonces (provider varchar(255) NOT NULL, nonce varchar(255));
  CREATE FUNCTION announce(environment varchar(255), fullstatus text, lmt int)
  RETURNS TABLE (workflow varchar(255)) LANGUAGE plpgsql VOLATILE AS $f$
  BEGIN RETURN QUERY SELECT 'the one that was here'::varchar(255); END $f$;`

let target: TestDatabase
let db: Database

beforeEach(async () => {
  target = await createTestDatabase({ migrate: () => Promise.resolve() })
  db = openDatabase({ url: target.url, applicationName: 'test' })
})
afterEach(async () => {
  await db.destroy()
  await target.drop()
})

async function insertOldJob(workflowid: string, row: Record<string, unknown>): Promise<void> {
  await db('jobs').insert({
    workflowid,
    agreementid: `0x${workflowid}`,
    owner: '0xowner',
    namespace: 'ocean-compute',
    workflow: JSON.stringify(buildWorkflow(workflowid, 'ocean-compute')),
    ...row,
  })
}

describe('an empty database', () => {
  it('behaviour: migrates up, down, and up again; twice is once', async () => {
    await migrateToLatest(db, MIGRATIONS)
    await migrateToLatest(db, MIGRATIONS)
    expect(await isSchemaCurrent(db, MIGRATIONS)).toBe(true)
    const { jobId } = await insertJob(db, buildNewJob())
    await rollbackLatest(db, MIGRATIONS)
    expect(await isSchemaCurrent(db, MIGRATIONS)).toBe(false)
    expect(await db('jobs').where({ workflowid: jobId })).toHaveLength(1) // what the original keeps, stays
    expect(await db.schema.hasTable('job_events')).toBe(false)
    expect(await db.schema.hasColumn('jobs', 'epoch')).toBe(false)
    await migrateToLatest(db, MIGRATIONS)
    expect(await loadJob(db, jobId)).toMatchObject({ jobId, status: 1 })
  })

  it('behaviour: an engine of the reference can announce and read its queue', async () => {
    await migrateToLatest(db, MIGRATIONS)
    const { jobId } = await insertJob(db, buildNewJob({ environment: 'ocean-compute' }))
    const { rows } = await db.raw<{ rows: unknown[] }>(`SELECT * FROM announce('ocean-compute', '{"maxJobs": 1}', 5)`)
    expect(rows).toEqual([{ workflow: jobId }])
    expect(await db('envs').select('namespace', 'status')).toEqual([
      { namespace: 'ocean-compute', status: '{"maxJobs": 1}' },
    ])
  })
})

describe('a database of the reference', () => {
  beforeEach(() => db.raw(ORIGINAL_SCHEMA))

  it('behaviour: nothing is lost; jobs at work are ended and never run again; the queue goes on', async () => {
    await insertOldJob('queued', { status: 1, statustext: 'Warming up' })
    for (const status of [10, 20, 30, 31, 32, 40, 50, 60]) await insertOldJob(`at${status}`, { status })
    await insertOldJob('almost', { status: 70, statustext: 'Job finished' })
    const outputsurl = '[{"filename":"a","filesize":1,"url":"http://s3/a","type":"output"}]'
    await insertOldJob('done', { status: 70, statustext: 'Job finished', datefinished: '2024-01-01', outputsurl })
    await insertOldJob('done31', { status: 31, datefinished: '2024-01-01', workflow: 'no json' })
    await insertOldJob('odd', { status: 99, datefinished: '2024-01-01' })
    await db('envs').insert({ namespace: 'ocean-compute', status: '{}' })
    await db('nonces').insert({ provider: '0xp', nonce: '1' })

    await migrateToLatest(db, MIGRATIONS)

    expect(await db('jobs')).toHaveLength(13)
    for (const status of [10, 20, 30, 31, 32, 40, 50, 60]) {
      const row = await loadJob(db, `at${status}`)
      expect(row).toMatchObject({ status, reason: 'Abandoned' })
      expect(row?.dateFinished).not.toBeNull()
    }
    expect((await listEvents(db, 'at40')).map((event) => event.what)).toEqual(['abandoned'])
    expect(await loadJob(db, 'almost')).toMatchObject({ status: 70, reason: null })
    expect((await loadJob(db, 'almost'))?.dateFinished).not.toBeNull()
    expect(await loadJob(db, 'done')).toMatchObject({
      reason: null,
      dateFinished: '1704067200.000000',
      outputs: [{ filename: 'a', url: 'http://s3/a' }],
    })
    expect(await loadJob(db, 'done31')).toMatchObject({ status: 31, workflow: null })
    expect(await loadJob(db, 'queued')).toMatchObject({ status: 1, dateFinished: null })
    expect(await db('envs')).toHaveLength(1)
    expect(await db('nonces')).toHaveLength(1)
    const { rows } = await db.raw<{ rows: unknown[] }>(`SELECT * FROM announce('ocean-compute', '{}', 5)`)
    expect(rows).toEqual([{ workflow: 'the one that was here' }])
    const claimed = await claimJobs(db, { environment: 'ocean-compute', maxJobs: 5, claimedBy: 'e', leaseSeconds: 30 })
    expect(claimed.map((job) => job.jobId)).toEqual(['queued'])
  })

  it('behaviour: five thousand rows of every kind come through unchanged, but for the ends of what was at work', async () => {
    // Finished, queued, at work, finished without a date; owners and texts missing, results unreadable, ids used twice.
    await db.raw(
      `INSERT INTO jobs (agreementid, workflowid, owner, status, statustext, datecreated, datefinished, outputsurl,
         namespace, stopreq, removed, workflow, provider)
       SELECT CASE WHEN n % 17 = 0 THEN '0xSAME' WHEN n % 2 = 0 THEN '0x' || md5(n::text) ELSE upper(md5(n::text)) END,
         CASE WHEN n % 501 = 0 THEN md5('twice') ELSE md5('job' || n) END,
         CASE WHEN n % 13 = 0 THEN NULL ELSE '0xOwner' || n % 40 END,
         kind.status, CASE WHEN n % 11 = 0 THEN NULL ELSE 'Müller — ' || n END,
         timestamp '2022-01-01' + n * interval '1 hour', kind.ended,
         (ARRAY[NULL, '', '[]', '[{"filename":"a.csv","filesize":1,"url":"http://s3/a","type":"output"}]', '{no json'])[n % 5 + 1],
         'env-' || n % 3, n % 3, 0,
         (ARRAY[NULL, '{}', '{"spec": {"metadata": {"stages": [{"input": null}]}}}', 'no json', :workflow])[n % 5 + 1],
         CASE WHEN n % 7 = 0 THEN NULL ELSE '0xprovider' END
       FROM generate_series(1, 5000) AS n,
         LATERAL (SELECT (ARRAY[1, 10, 20, 30, 31, 32, 40, 50, 60, 70])[n % 10 + 1] AS status,
           CASE WHEN n % 3 > 0 THEN timestamp '2023-01-01' + n * interval '1 hour' END AS ended) AS kind`,
      { workflow: JSON.stringify(buildWorkflow('x', 'env-1')) },
    )
    const original = `agreementid, workflowid, owner, status, statustext, datecreated, configlogurl, publishlogurl,
      algologurl, outputsurl, ddo, namespace, stopreq, removed, workflow, provider`
    const fingerprint = async (columns: string, condition: string): Promise<unknown> => {
      const { rows } = await db.raw<{ rows: unknown[] }>(
        `SELECT count(*)::int AS jobs, md5(string_agg(row::text, '|' ORDER BY row::text)) AS text
         FROM (SELECT ROW(${columns}) AS row FROM jobs WHERE ${condition}) AS rows`,
      )
      return rows[0]
    }
    const everything = await fingerprint(original, 'true')
    const ended = await fingerprint(
      `${original}, laststatusupdate, datefinished`,
      "datefinished < now() - interval '1 hour'",
    )
    const queued = await fingerprint(original, 'status = 1 AND datefinished IS NULL')
    const idle = await db('jobs').where({ status: 70 }).whereNull('datefinished').count()
    expect(idle).not.toEqual([{ count: '0' }])

    await migrateToLatest(db, MIGRATIONS)

    expect(await fingerprint(original, 'true')).toEqual(everything)
    expect(
      await fingerprint(`${original}, laststatusupdate, datefinished`, `datefinished < now() - interval '1 hour'`),
    ).toEqual(ended)
    expect(await fingerprint(original, 'datefinished IS NULL')).toEqual(queued)
    const abandoned = db('jobs').where({ reason: 'Abandoned' }).distinct('status').orderBy('status')
    expect(await abandoned.pluck('status')).toEqual([10, 20, 30, 31, 32, 40, 50, 60])
    // Each can be read, and none of them stops another.
    expect((await listUnfinished(db)).length).toBe((queued as { jobs: number }).jobs)
    expect((await findJobs(db, { owner: '0xowner7' })).length).toBeGreaterThan(50)
    expect((await findJobs(db, { agreementId: 'SAME' })).length).toBeGreaterThan(200)
    const { jobId } = await insertJob(db, buildNewJob({ environment: 'env-2' }))
    const claimed = await claimJobs(db, { environment: 'env-2', maxJobs: 9_999, claimedBy: 'e', leaseSeconds: 30 })
    expect(claimed.map((job) => job.jobId)).toContain(jobId)
    expect(claimed.every((job) => job.status === 20 && job.epoch === 1)).toBe(true)
  })

  it('behaviour: duplicate agreements are kept and marked; a new job of one is refused', async () => {
    const agreementid = '0xAB'
    for (const [i, id] of ['first', 'second', 'third'].entries()) {
      await insertOldJob(id, { agreementid: i === 2 ? 'ab' : agreementid, status: 1, datecreated: `2024-01-0${i + 1}` })
    }
    await insertOldJob('earlier', { agreementid, status: 70, datefinished: '2024-01-01' })
    await migrateToLatest(db, MIGRATIONS)
    expect(await findJobs(db, { agreementId: agreementid })).toHaveLength(4)
    expect(await db('jobs').where({ adopted_duplicate: true }).orderBy('datecreated').pluck('workflowid')).toEqual([
      'second',
      'third',
    ])
    await expect(insertJob(db, buildNewJob({ agreementId: agreementid }))).rejects.toMatchObject({
      code: 'AgreementInUse',
    })
  })
})
