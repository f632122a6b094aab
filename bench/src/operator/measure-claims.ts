import { claimJobs } from '@c2d/operator-db'
import { openDatabase, openListener, type Database } from '@c2d/postgres'
import type { Measured } from '../lib/report.ts'
import type { BenchWorld } from './bench-world.ts'
import { buildJob } from './build-job.ts'

const QUEUED = 10_000
const ROUNDS = 9
const BATCHES = 20
const SIDES = ['ours', 'reference'] as const

// What a queue in PostgreSQL costs at the least: oldest first, nobody waits for anybody, the row handed over.
const PLAIN_CLAIM = `
  UPDATE jobs SET status = 20, claimed_by = 'reference', lease_expires_at = now() + interval '15 seconds'
  WHERE workflowid IN (
    SELECT workflowid FROM jobs WHERE namespace = 'reference' AND status = 1 AND datefinished IS NULL
    ORDER BY datecreated LIMIT $1 FOR UPDATE SKIP LOCKED)
  RETURNING *`

/**
 * Jobs claimed a second from 10 000 that wait, in batches of one and of a hundred: the engine's own claim (slots of
 * the environment, epoch, lease, timeline, rows parsed) beside one plain statement by a bare client.
 */
export async function measureClaims(world: BenchWorld): Promise<Measured[]> {
  const open = async (name: string) => {
    const url = await world.createDatabase(name)
    return { url, db: openDatabase({ url, applicationName: 'bench claims', maxConnections: 2 }) }
  }
  const ours = await open('claims')
  const reference = await open('claims_reference')
  // The index that serves it best, and none of ours that it would only have to keep.
  await reference.db.raw('DROP INDEX jobs_in_queue')
  await reference.db.raw(
    'CREATE INDEX plain_queue ON jobs (namespace, datecreated) WHERE status = 1 AND datefinished IS NULL',
  )
  const client = await openListener({ url: reference.url, applicationName: 'bench reference' })
  const databases = { ours: ours.db, reference: reference.db }
  const claimOnce = {
    ours: async (size: number) => {
      const claim = { environment: 'ours', maxJobs: size, claimedBy: 'bench', leaseSeconds: 15 }
      return (await claimJobs(ours.db, claim)).length
    },
    reference: async (size: number) => (await client.query(PLAIN_CLAIM, [size])).rowCount ?? 0,
  }
  try {
    const measured: Measured[] = []
    for (const batch of [100, 1]) {
      const rates = { ours: [] as number[], reference: [] as number[] }
      for (let round = 0; round < ROUNDS; round += 1)
        for (const side of SIDES) {
          await queue(databases[side], side, world.inputUrl)
          let spentMs = 0
          for (let index = 0; index < BATCHES; index += 1) {
            const startedAtMs = performance.now()
            const claimed = await claimOnce[side](batch)
            spentMs += performance.now() - startedAtMs
            if (claimed !== batch) throw new Error(`${side} claimed ${claimed} of ${batch}`)
            // Their slots come free again, out of the measured time.
            await databases[side].raw(
              'UPDATE jobs SET datefinished = now(), lease_expires_at = NULL WHERE status = 20 AND datefinished IS NULL',
            )
          }
          rates[side].push((BATCHES * batch * 1000) / spentMs)
        }
      measured.push({ what: `claims, ${batch} at a time`, unit: 'jobs/s', ...rates })
    }
    return measured
  } finally {
    await client.end()
    await ours.db.destroy()
    await reference.db.destroy()
  }
}

/** Leaves exactly 10 000 jobs waiting, of 50 owners. */
async function queue(db: Database, environment: string, inputUrl: string): Promise<void> {
  await db.raw('TRUNCATE jobs, job_events')
  await db.raw(
    `INSERT INTO jobs (workflowid, agreementid, owner, status, statustext, namespace, workflow, datecreated)
     SELECT md5(n::text), 'agreement ' || n, 'owner ' || n % 50, 1, 'Warming up', :environment, :workflow,
       now() - make_interval(secs => :queued - n)
     FROM generate_series(1, :queued) AS n`,
    { environment, workflow: JSON.stringify(buildJob(environment, '', inputUrl).workflow), queued: QUEUED },
  )
  await db.raw('VACUUM ANALYZE jobs')
}
