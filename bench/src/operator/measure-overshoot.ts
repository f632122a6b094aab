import { insertJob, listEvents, loadJob, notifyJobs } from '@c2d/operator-db'
import { openDatabase } from '@c2d/postgres'
import { sleep } from '@c2d/runtime'
import type { Measured } from '../lib/report.ts'
import type { BenchWorld } from './bench-world.ts'
import { buildJob } from './build-job.ts'
import { startEngineProcess } from './engine-process.ts'

const LIMIT_SECONDS = 3
const ENVIRONMENT = { id: 'limits', maxJobs: 12, maxJobDuration: LIMIT_SECONDS }
const ROUNDS = 20
const GIVE_UP_MS = 600_000

/** One of each is queued a round: one that takes a core, one that sleeps, and one that is over at once. */
const SPINNING = 'for (;;) {}'
const SLEEPING = 'setTimeout(() => {}, 3_600_000)'
const TRIVIAL = `require('fs').writeFileSync('/data/outputs/result', 'done')`

/**
 * How long an algorithm outlives its time limit, from its deadline to its end, while others take the machine's cores
 * and come and go beside it.
 */
export async function measureOvershoot(world: BenchWorld): Promise<Measured[]> {
  const url = await world.createDatabase('limits')
  const db = openDatabase({ url, applicationName: 'bench', maxConnections: 4 })
  const engine = await startEngineProcess(world.engineProgram(url, ENVIRONMENT))
  const overshootSeconds = { [SPINNING]: [] as number[], [SLEEPING]: [] as number[] }
  try {
    const jobs = Array.from({ length: ROUNDS }, () => [SPINNING, SLEEPING, TRIVIAL]).flat()
    const queued: { jobId: string; source: string }[] = []
    for (const source of jobs) {
      const job = buildJob(ENVIRONMENT.id, source, world.inputUrl)
      await insertJob(db, job)
      queued.push({ jobId: job.jobId, source })
    }
    await notifyJobs(db)
    const giveUpAtMs = performance.now() + GIVE_UP_MS
    for (const { jobId, source } of queued) {
      while ((await loadJob(db, jobId))?.dateFinished == null) {
        if (performance.now() > giveUpAtMs) throw new Error(`job ${jobId} did not end`)
        await sleep(50)
      }
      if (source !== SPINNING && source !== SLEEPING) continue
      const reason = (await loadJob(db, jobId))?.reason
      if (reason !== 'TimedOut') throw new Error(`the job ended with ${reason}`)
      const detail = (await listEvents(db, jobId)).find(({ what }) => what === 'finished')?.detail
      const { startedAtMs, endedAtMs } = (detail?.['steps'] as Steps).algorithm
      overshootSeconds[source].push((endedAtMs - startedAtMs) / 1000 - LIMIT_SECONDS)
    }
  } finally {
    await engine.kill()
    await db.destroy()
  }
  const what = `deadline → algorithm ended, ${ENVIRONMENT.maxJobs} jobs at work`
  return [
    { what: `${what}, one that takes a core`, unit: 's', ours: overshootSeconds[SPINNING] },
    { what: `${what}, one that sleeps`, unit: 's', ours: overshootSeconds[SLEEPING] },
  ]
}

interface Steps {
  algorithm: { startedAtMs: number; endedAtMs: number }
}
