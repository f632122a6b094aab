import { listEventsOfJobs, loadJob, loadProof } from '@c2d/operator-db'
import { verifyProof } from '@c2d/proof'
import type { ChaosJob } from './chaos-job.ts'
import type { ChaosWorld } from './chaos-world.ts'
import { ENVIRONMENTS } from './environments.ts'
import { checkJob, type JobEvidence } from './check-job.ts'
import { checkPublishing } from './check-publishing.ts'
import type { Violation } from './violation.ts'
import type { Witness } from './witness.ts'

/** What is left that should not be, of jobs, objects and processes; empty when the run has settled. */
export async function listLeft(world: ChaosWorld): Promise<string[]> {
  const { rows } = await world.db.raw<{ rows: { what: string; count: number }[] }>(`
    SELECT 'unfinished jobs' AS what, count(*)::int AS count FROM jobs WHERE datefinished IS NULL
    UNION ALL SELECT 'finished jobs with a lease', count(*)::int FROM jobs
      WHERE datefinished IS NOT NULL AND lease_expires_at IS NOT NULL
    UNION ALL SELECT 'live step tokens of finished jobs', count(*)::int FROM step_tokens
      JOIN jobs ON jobs.workflowid = step_tokens.job_id WHERE ended_at IS NULL AND datefinished IS NOT NULL
    UNION ALL SELECT 'finished jobs without a proof', count(*)::int FROM jobs
      WHERE datefinished IS NOT NULL AND NOT EXISTS (SELECT 1 FROM proofs WHERE job_id = workflowid)
    UNION ALL SELECT 'assets that are due', count(*)::int FROM derived_assets WHERE state = 'due'
    UNION ALL SELECT 'proofs that are to be anchored', count(*)::int FROM proofs WHERE anchor_due
    UNION ALL SELECT 'transactions under way', count(*)::int FROM chain_transactions WHERE state = 'sent'`)
  const left = rows.filter(({ count }) => count > 0).map(({ what, count }) => `${count} ${what}`)
  left.push(...(await world.place.listLeft()))
  return left
}

/** Everything that is wrong once the run has settled, or has had its time. */
export async function checkWorld(world: ChaosWorld, jobs: readonly ChaosJob[], witness: Witness): Promise<Violation[]> {
  const found: Violation[] = []
  const jobIds = jobs.map(({ jobId }) => jobId)
  const timelines = await listEventsOfJobs(world.db, jobIds)
  const evidence: JobEvidence[] = []
  for (const job of jobs) {
    const row = await loadJob(world.db, job.jobId)
    if (row) found.push(...(await world.place.checkResults(row, witness)).map(asWrong(job.jobId)))
    if (row?.dateFinished) found.push(...(await checkProof(world, job.jobId)).map(asWrong(job.jobId)))
    evidence.push({ job, row, events: timelines.get(job.jobId) ?? [], runs: witness.runsOf(job.jobId) })
  }
  found.push(...evidence.flatMap(checkJob))
  if (world.publishing) found.push(...(await checkPublishing(evidence, world, world.publishing)))
  found.push(...(await checkSlots(world)), ...(await checkNotifications(world)))
  for (const what of await listLeft(world))
    if (!what.includes('unfinished jobs')) found.push({ kind: 'leaked', message: what })
  for (const [index, engine] of world.engines.entries())
    for (const what of engine.unasked()) found.push({ kind: 'wrong', message: `engine ${index} ${what}` })
  return found
}

/** A proof that is there holds, and is the job's own. */
async function checkProof({ db }: ChaosWorld, jobId: string): Promise<string[]> {
  const { checks, statement } = verifyProof(await loadProof(db, jobId))
  if (statement?.predicate.job.id === jobId) return []
  const findings = checks.filter(({ passed }) => !passed).map(({ finding }) => finding)
  return [`its proof does not hold: ${findings.join('; ')}`]
}

function asWrong(jobId: string): (what: string) => Violation {
  return (what) => ({ kind: 'wrong', message: `job ${jobId}: ${what}` })
}

/**
 * Replays claims and ends: never more at work than an environment has slots. An end is noted before it is committed
 * and a claim after the ends it counts, so the order of the events is the order that counts. What was asked to stop
 * before it was claimed is only ended, and takes no slot.
 */
async function checkSlots(world: ChaosWorld): Promise<Violation[]> {
  const found: Violation[] = []
  for (const { id, maxJobs } of Object.values(ENVIRONMENTS)) {
    const { rows } = await world.db.raw<{ rows: { most: number | null }[] }>(
      `SELECT max(at_work)::int AS most FROM (
         SELECT sum(CASE what WHEN 'claimed' THEN 1 ELSE -1 END) OVER (ORDER BY at, id) AS at_work
         FROM job_events JOIN jobs ON jobs.workflowid = job_events.job_id
         WHERE what IN ('claimed', 'finished') AND namespace = :id AND NOT EXISTS (
           SELECT 1 FROM job_events AS stop, job_events AS claim
           WHERE stop.job_id = jobs.workflowid AND stop.what = 'stopRequested'
             AND claim.job_id = jobs.workflowid AND claim.what = 'claimed' AND stop.id < claim.id)) AS replayed`,
      { id },
    )
    const most = rows[0]?.most ?? 0
    if (most > maxJobs)
      found.push({ kind: 'wrong', message: `${most} jobs at work in ${id}, which has ${maxJobs} slots` })
  }
  return found
}

/** The end of every job is owed to whoever is to be told, however it ended, and whoever died of it. */
async function checkNotifications(world: ChaosWorld): Promise<Violation[]> {
  const { rows } = await world.db.raw<{ rows: { jobId: string; reason: string | null }[] }>(
    `SELECT workflowid AS "jobId", reason FROM jobs WHERE datefinished IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM notifications WHERE job_id = workflowid AND kind = 'stop')`,
  )
  return rows.map(({ jobId, reason }) => ({
    kind: 'lost',
    message: `job ${jobId} ended with reason ${reason}, and nobody is told`,
  }))
}
