import { readFileSync, readdirSync } from 'node:fs'
import { insertJob, notifyJobs } from '@c2d/operator-db'
import { openDatabase, type Database } from '@c2d/postgres'
import { sleep } from '@c2d/runtime'
import type { Measured } from '../lib/report.ts'
import type { BenchWorld } from './bench-world.ts'
import { buildJob } from './build-job.ts'
import { startEngineProcess } from './engine-process.ts'

const QUEUED = 10_000
const LOOKS = 6
const LOOK_SECONDS = 10
const START_LIMIT_MS = 600_000
const SLEEPER = 'setTimeout(() => {}, 3_600_000)'

/**
 * What an engine costs that holds running jobs and has 10 000 more waiting, when nothing moves.
 * @param running how many algorithms sleep, each sealed and watched like any other
 */
export async function measureIdle(world: BenchWorld, running: number): Promise<Measured[]> {
  const environment = { id: 'idle', maxJobs: running, maxJobDuration: 7_200 }
  const url = await world.createDatabase('idle')
  const db = openDatabase({ url, applicationName: 'bench', maxConnections: 16 })
  for (let index = 0; index < QUEUED + running; index += 100) {
    const batch = Array.from({ length: Math.min(100, QUEUED + running - index) }, () =>
      buildJob(environment.id, SLEEPER, world.inputUrl),
    )
    await Promise.all(batch.map((job) => insertJob(db, job)))
  }
  const engine = await startEngineProcess(world.engineProgram(url, environment))
  try {
    await notifyJobs(db)
    const peakMB = await waitUntilRunning(db, running, engine.memoryMB)
    await sleep(10_000) // until nothing moves

    const memoryMB: number[] = []
    const cpuPercent: number[] = []
    for (let look = 0; look < LOOKS; look += 1) {
      const before = engine.cpuSeconds()
      await sleep(LOOK_SECONDS * 1000)
      cpuPercent.push(((engine.cpuSeconds() - before) / LOOK_SECONDS) * 100)
      memoryMB.push(engine.memoryMB())
    }
    const what = `engine with 10 000 queued and ${running} running jobs`
    return [
      { what: `${what}: memory when nothing moves`, unit: 'MB', ours: memoryMB },
      { what: `${what}: most memory until the last of them ran`, unit: 'MB', ours: [peakMB] },
      { what: `${what}: processor when nothing moves`, unit: '% of a core', ours: cpuPercent },
    ]
  } finally {
    await engine.kill()
    await endSteps(world.workspacesOf(environment.id))
    await db.destroy()
  }
}

/** @returns the most memory the engine had on the way */
async function waitUntilRunning(db: Database, wanted: number, memoryMB: () => number): Promise<number> {
  const giveUpAtMs = performance.now() + START_LIMIT_MS
  let peakMB = 0
  for (;;) {
    const { rows } = await db.raw<{ rows: { running: number }[] }>(
      'SELECT count(*)::int AS running FROM jobs WHERE status = 40 AND datefinished IS NULL',
    )
    const running = rows[0]?.running ?? 0
    peakMB = Math.max(peakMB, memoryMB())
    if (running >= wanted) return peakMB
    if (performance.now() > giveUpAtMs) throw new Error(`only ${running} of ${wanted} jobs run`)
    await sleep(250)
  }
}

/** Ends whatever the jobs left running: with their engine gone, nobody else does. */
async function endSteps(workspaces: string): Promise<void> {
  const needle = `C2D_STEP_MARK=${workspaces}/`
  for (;;) {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && readEnvironment(name).includes(needle))
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch {
        // gone between the look and the signal, which is what was wanted
      }
    }
    await sleep(50)
  }
}

function readEnvironment(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    return '' // it ended meanwhile, or is somebody else's
  }
}
