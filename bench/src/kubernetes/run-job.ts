import { insertJob, listEvents, loadJob, notifyJobs } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { sleep } from '@c2d/runtime'
import type { ClusterWorld } from './cluster-world.ts'

/** Says when its first instruction ran, by the name of its one output: the clock is the machine's. */
const TRIVIAL = `require('fs').writeFileSync('/data/outputs/at-' + Date.now(), 'done')`

/** How one job went, in seconds. */
export interface JobTimes {
  /** From its row to `dateFinished`. */
  whole: number
  /** From the report of the configure pod to the algorithm's first instruction. */
  gap: number
  /** When each event happened, from the row on: what the rest is made of. */
  events: Record<string, number>
}

/** Runs a trivial job through the engine. @throws Error when it ends other than well */
export async function runJob(world: ClusterWorld, db: Database): Promise<JobTimes> {
  const job = world.buildTrivialJob(TRIVIAL, false)
  await insertJob(db, job)
  await notifyJobs(db)
  return waitForJob(db, job.jobId)
}

/** So many jobs at once, until all are finished, in seconds. */
export async function runBurst(world: ClusterWorld, db: Database, count: number): Promise<number> {
  const jobs = Array.from({ length: count }, () => world.buildTrivialJob(TRIVIAL, true))
  const startedAt = performance.now()
  for (const job of jobs) await insertJob(db, job)
  await notifyJobs(db)
  for (const { jobId } of jobs) await waitForJob(db, jobId)
  return (performance.now() - startedAt) / 1000
}

async function waitForJob(db: Database, jobId: string): Promise<JobTimes> {
  for (;;) {
    const row = await loadJob(db, jobId)
    if (row?.dateFinished != null) {
      if (row.reason !== null || row.isolation?.sealed !== true) {
        throw new Error(`job ${jobId} ended with ${row.reason ?? 'no receipt'}`)
      }
      const events = await listEvents(db, jobId)
      const firstMs = events[0]?.atMs ?? 0
      const at = (what: string): number => events.find((event) => event.what === what)?.atMs ?? firstMs
      const beganMs = Number(/^at-(\d+)$/.exec(row.outputs?.[0]?.filename ?? '')?.[1])
      return {
        whole: (at('finished') - firstMs) / 1000,
        gap: (beganMs - at('provisioned')) / 1000,
        events: Object.fromEntries(events.map(({ what, atMs }) => [what, (atMs - firstMs) / 1000])),
      }
    }
    await sleep(20)
  }
}
