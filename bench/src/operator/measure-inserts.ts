import { createJobNotifier, insertJob } from '@c2d/operator-db'
import { openDatabase, openListener } from '@c2d/postgres'
import { silentLogger } from '@c2d/runtime'
import type { Measured } from '../lib/report.ts'
import type { BenchWorld } from './bench-world.ts'
import { buildJob } from './build-job.ts'

const WRITERS = 32
const EACH = 50
const ROUNDS = 9
/** As operator-service has it. */
const COALESCE_MS = 5

/** Jobs queued a second by 32 writers at once: waking the engines after each, beside waking nobody. */
export async function measureInserts(world: BenchWorld): Promise<Measured[]> {
  const url = await world.createDatabase('inserts')
  const db = openDatabase({ url, applicationName: 'bench inserts', maxConnections: WRITERS })
  const listener = await openListener({ url, applicationName: 'bench listener' })
  await listener.query('LISTEN c2d_jobs')
  const notifier = createJobNotifier({ coalesceMs: COALESCE_MS }, { db, log: silentLogger })

  async function round(wake: () => void): Promise<number> {
    const jobs = Array.from({ length: WRITERS }, () =>
      Array.from({ length: EACH }, () => buildJob('bench', '', world.inputUrl)),
    )
    const startedAtMs = performance.now()
    await Promise.all(
      jobs.map(async (own) => {
        for (const job of own) {
          await insertJob(db, job)
          wake()
        }
      }),
    )
    return (WRITERS * EACH * 1000) / (performance.now() - startedAtMs)
  }

  try {
    await round(() => undefined) // connections open, plans made
    const rates = { ours: [] as number[], reference: [] as number[] }
    for (let index = 0; index < ROUNDS; index += 1) {
      rates.ours.push(await round(() => notifier.notify()))
      rates.reference.push(await round(() => undefined))
    }
    return [
      { what: 'inserts by 32 writers that wake the engines, against inserts that do not', unit: 'jobs/s', ...rates },
    ]
  } finally {
    await notifier.close()
    await listener.end()
    await db.destroy()
  }
}
