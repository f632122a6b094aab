import { insertJob, listEvents, loadJob, notifyJobs } from '@c2d/operator-db'
import { openDatabase } from '@c2d/postgres'
import { sleep } from '@c2d/runtime'
import type { Measured } from '../lib/report.ts'
import type { BenchWorld } from './bench-world.ts'
import { buildJob } from './build-job.ts'
import { startEngineProcess } from './engine-process.ts'

const WARM_UP = 3
const RUNS = 25
const TRIVIAL = `require('fs').writeFileSync('/data/outputs/result', 'done')`
const ENVIRONMENT = { id: 'own-time', maxJobs: 4, maxJobDuration: 60 }

/** One trivial job after the other through a real engine: the whole time, and what of it is not a step's own life. */
export async function measureOwnTime(world: BenchWorld): Promise<Measured[]> {
  const url = await world.createDatabase('own_time')
  const db = openDatabase({ url, applicationName: 'bench', maxConnections: 2 })
  const engine = await startEngineProcess(world.engineProgram(url, ENVIRONMENT))
  const ownSeconds: number[] = []
  const totalSeconds: number[] = []
  try {
    for (let index = 0; index < WARM_UP + RUNS; index += 1) {
      const job = buildJob(ENVIRONMENT.id, TRIVIAL, world.inputUrl)
      await insertJob(db, job)
      await notifyJobs(db)
      while ((await loadJob(db, job.jobId))?.dateFinished == null) await sleep(20)
      const row = await loadJob(db, job.jobId)
      if (row?.reason !== null) throw new Error(`the job ended with ${row?.reason}`)

      const events = await listEvents(db, job.jobId)
      const finished = events.find(({ what }) => what === 'finished')
      const lifetimesMs = (finished?.detail?.['stepMs'] ?? {}) as Record<string, number>
      const totalMs = (finished?.atMs ?? 0) - (events[0]?.atMs ?? 0)
      const ownMs = totalMs - Object.values(lifetimesMs).reduce((sum, ms) => sum + ms, 0)
      if (index < WARM_UP) continue
      totalSeconds.push(totalMs / 1000)
      ownSeconds.push(ownMs / 1000)
    }
  } finally {
    await engine.kill()
    await db.destroy()
  }
  return [
    {
      what: "our own time per job, row inserted → dateFinished, trivial job, minus the pods' own lifetimes",
      unit: 's',
      ours: ownSeconds,
    },
    { what: 'whole trivial job, process executor, row inserted → dateFinished', unit: 's', ours: totalSeconds },
  ]
}
