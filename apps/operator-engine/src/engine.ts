import {
  JOBS_CHANNEL,
  adoptJobs,
  announceEnvironment,
  claimJobs,
  finishJob,
  jobsWithoutRow,
  loadJob,
  recordOutcome,
  releaseLeases,
  renewLeases,
  type JobRow,
} from '@c2d/operator-db'
import { openListener, type Database } from '@c2d/postgres'
import { sleep, toError, type Logger } from '@c2d/runtime'
import { buildAnnouncement } from './announce.ts'
import type { EnvironmentConfig } from './config.ts'
import type { Executor } from './executor/executor.ts'
import { createJobLoop } from './loop.ts'
import { reconcile } from './reconcile.ts'
import type { PodProgram } from './steps/pod-steps.ts'

export interface EngineOptions {
  /** Unique a process: two engines, or two lives of one, never share a name. */
  instance: string
  environments: readonly EnvironmentConfig[]
  databaseUrl: string
  podDatabaseUrl: string
  leaseSeconds: number
  /** How often everything is read again, whatever was or was not heard. */
  tickMs: number
}

export interface EngineDeps {
  db: Database
  executor: Executor
  pods: { configure: PodProgram; publish: PodProgram }
  nowMs: () => number
  log: Logger
}

/** A running engine. */
export interface Engine {
  /** Epoch milliseconds of the last tick that ended well. */
  lastTickMs(): number
  /** Stops claiming, lets running passes end, gives the leases back. Steps go on; the next engine adopts them. */
  close(): Promise<void>
}

const MAX_CONCURRENT_PASSES = 32
const RELISTEN_MS = 1_000

/**
 * Starts the reconciler. Three things wake it, all of them hints: NOTIFY when rows change, the executor when steps
 * move, and the tick, which alone is the guarantee (DESIGN §2).
 */
export function startEngine(options: EngineOptions, deps: EngineDeps): Engine {
  const { db, executor, log, nowMs } = deps
  const environments = new Map(options.environments.map((environment) => [environment.id, environment]))
  const lease = { claimedBy: options.instance, leaseSeconds: options.leaseSeconds }
  const by = `engine ${options.instance}`
  const epochs = new Map<string, number>()
  const stopping = new AbortController()
  let lastTickMs = nowMs()

  const loop = createJobLoop(
    { maxConcurrentPasses: MAX_CONCURRENT_PASSES, retryBaseMs: 200, maxFailures: 8 },
    {
      nowMs,
      log,
      async pass(jobId) {
        const result = await reconcile(jobId, {
          ...deps,
          environments,
          by,
          podDatabaseUrl: options.podDatabaseUrl,
          epochOf: (id) => epochs.get(id),
        })
        if (result.next === 'drop') {
          epochs.delete(jobId)
          requestClaim() // a slot may have come free
        }
        return result
      },
      async giveUp(jobId) {
        const epoch = epochs.get(jobId)
        if (epoch === undefined) return
        await recordOutcome(db, { jobId, epoch, reason: 'InternalError' })
        await finishJob(db, { jobId, epoch, by })
      },
    },
  )

  function take(jobs: readonly JobRow[]): void {
    for (const job of jobs) {
      epochs.set(job.jobId, job.epoch)
      log.info({ jobId: job.jobId, environment: job.environment, epoch: job.epoch, status: job.status }, 'job taken')
      loop.wake(job.jobId)
    }
  }

  async function claim(): Promise<void> {
    for (const environment of options.environments) {
      if (stopping.signal.aborted) return
      take(await claimJobs(db, { environment: environment.id, maxJobs: environment.maxJobs, ...lease }))
    }
  }

  // Many wakes in a burst become one claim that runs, and one that follows it.
  let claiming: Promise<void> | undefined
  let claimAgain = false
  function requestClaim(): void {
    if (claiming) {
      claimAgain = true
      return
    }
    claiming = claim()
      .catch((thrown: unknown) => log.error({ err: toError(thrown) }, 'could not claim'))
      .finally(() => {
        claiming = undefined
        if (claimAgain && !stopping.signal.aborted) {
          claimAgain = false
          requestClaim()
        }
      })
  }

  async function keepLeases(): Promise<void> {
    const held = [...epochs] // what is claimed while the statement runs is not in its answer, and is not lost
    const renewed = new Map((await renewLeases(db, lease)).map((job) => [job.jobId, job.epoch]))
    for (const [jobId, epoch] of held) {
      if (renewed.get(jobId) === epoch) continue
      // Finished rows carry no lease: they only wait for their objects to be removed.
      if ((await loadJob(db, jobId))?.dateFinished != null) continue
      if (epochs.get(jobId) !== epoch) continue
      log.warn({ jobId, epoch }, 'lease lost')
      epochs.delete(jobId)
      loop.drop(jobId)
    }
    for (const [jobId, epoch] of renewed) {
      if (epochs.has(jobId)) continue
      // Ours by the row, not by memory: the answer to a claim was lost with its connection.
      log.warn({ jobId, epoch }, 'taking a job whose claim was not heard of')
      epochs.set(jobId, epoch)
      loop.wake(jobId)
    }
  }

  /** Objects without a row that needs them: left by a crash between the end of a job and its removal. */
  async function sweepOrphans(): Promise<void> {
    const present = (await executor.list()).filter((jobId) => !epochs.has(jobId))
    for (const jobId of await jobsWithoutRow(db, present)) {
      log.warn({ jobId }, 'removing what a finished job left behind')
      await executor.remove(jobId)
    }
  }

  async function tick(): Promise<void> {
    await keepLeases()
    for (const environment of options.environments) {
      const currentJobs = epochs.size // of this engine; the count of all engines is in the rows
      await announceEnvironment(db, buildAnnouncement(environment, currentJobs))
    }
    take(await adoptJobs(db, { environments: [...environments.keys()], limit: 100, ...lease }))
    requestClaim()
    loop.wakeAll()
    await sweepOrphans()
    lastTickMs = nowMs()
  }

  async function runTicks(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await tick()
      } catch (thrown) {
        log.error({ err: toError(thrown) }, 'a tick failed')
      }
      await sleep(options.tickMs, stopping.signal)
    }
  }

  async function listen(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await listenOnce()
      } catch (thrown) {
        log.warn({ err: toError(thrown) }, 'not listening; the tick goes on')
      }
      await sleep(RELISTEN_MS, stopping.signal)
    }
  }

  async function listenOnce(): Promise<void> {
    const client = await openListener({ url: options.databaseUrl, applicationName: by })
    try {
      const ended = new Promise<void>((resolve, reject) => {
        client.once('error', reject)
        client.once('end', resolve)
        stopping.signal.addEventListener('abort', () => resolve(), { once: true })
      })
      client.on('notification', () => {
        requestClaim()
        loop.wakeAll() // a stop or a pod's report: without payload, so every held job is read again
      })
      await client.query(`LISTEN ${JOBS_CHANNEL}`)
      requestClaim() // what was notified while nobody listened
      await ended
    } finally {
      await client.end()
    }
  }

  async function followExecutor(): Promise<void> {
    for await (const jobId of executor.changes(stopping.signal)) if (epochs.has(jobId)) loop.wake(jobId)
  }

  const ticking = runTicks()
  const listening = listen()
  const following = followExecutor().catch((thrown: unknown) =>
    log.error({ err: toError(thrown) }, 'the executor tells no changes any more; the tick goes on'),
  )
  log.info(
    { environments: [...environments.keys()], instance: options.instance, executor: executor.describe() },
    'engine started',
  )

  return {
    lastTickMs: () => lastTickMs,
    async close() {
      stopping.abort()
      await Promise.all([ticking, listening, following, claiming])
      await loop.drain()
      await releaseLeases(db, { claimedBy: options.instance })
    },
  }
}
