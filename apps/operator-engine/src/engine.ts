import { setMaxListeners } from 'node:events'
import {
  announceEngine,
  announceEnvironment,
  countAtWork,
  notifyJobs,
  releaseLeases,
  type JobRow,
} from '@c2d/operator-db'
import type { GuardedFetch } from '@c2d/http-kit'
import type { Database } from '@c2d/postgres'
import { sleep, type Logger } from '@c2d/runtime'
import type { ConsumerUpload, ResultStore } from '@c2d/storage'
import { buildAnnouncement } from './announce.ts'
import { createClaimer } from './claims/claimer.ts'
import { createHeldJobs } from './claims/held-jobs.ts'
import { createLeaseKeeper } from './claims/lease-keeper.ts'
import type { EnvironmentConfig } from './config.ts'
import type { DeliverySchedule } from './deliveries/decide-next.ts'
import { createRedelivery } from './deliveries/redeliver-outputs.ts'
import { createAssetOffers } from './derived-assets/offers.ts'
import { publishAssets } from './derived-assets/publish-assets.ts'
import { ExecutorUnavailableError, type Executor } from './executor/executor.ts'
import { giveUpJob } from './give-up.ts'
import { createJobLoop } from './loop.ts'
import { deliverNotifications } from './notifications/deliver.ts'
import { createNotificationQueue, type NotificationUrls } from './notifications/notification-queue.ts'
import { anchorProofs } from './proofs/anchor-proofs.ts'
import { createProofKeys } from './proofs/proof-key.ts'
import { createProver } from './proofs/prove-jobs.ts'
import { createUrlSigner, type UrlSignerOptions } from './proofs/url-signer.ts'
import { reconcile, type ReconcileDeps } from './reconcile.ts'
import type { PodProgram } from './steps/pod-steps.ts'
import { endExpired } from './sweeps/end-expired.ts'
import { createResultExpiry } from './sweeps/expire-results.ts'
import { removeOrphans } from './sweeps/remove-orphans.ts'
import type { OperatorWallets } from './transactions/operator-wallet.ts'
import { createGapHealer } from './transactions/heal-gap.ts'
import { settleTransactions } from './transactions/settle-transactions.ts'
import { createPacer } from './wakes/pacer.ts'
import { repeat } from './wakes/repeat.ts'
import { listenToRows } from './wakes/row-changes.ts'
import { followSteps } from './wakes/step-changes.ts'

export interface EngineOptions {
  /** Unique a process: two engines, or two lives of one, never share a name. */
  instance: string
  /** Where this engine serves the logs of the jobs it holds; null where it does not. */
  url: string | null
  environments: readonly EnvironmentConfig[]
  databaseUrl: string
  podDatabaseUrl: string
  leaseSeconds: number
  /** How often everything is read again, whatever was or was not heard. */
  tickMs: number
  /** Seconds that outputs which could not be published are kept. */
  keepFailedSeconds: number
  /** When outputs that a consumer's own storage did not take are brought again. */
  deliveries: DeliverySchedule
  notify: NotificationUrls
  /** Days after which another key signs proofs. */
  proofKeyDays: number
  /** Who signs proofs instead of a key of this process. */
  proofSigner?: UrlSignerOptions | undefined
}

export interface EngineDeps {
  db: Database
  executor: Executor
  results: Pick<ResultStore, 'open' | 'discard' | 'remove'>
  /** The guarded client for outputs that go to consumers. */
  upload: ConsumerUpload
  fetch: GuardedFetch
  pods: { configure: PodProgram; publish: PodProgram }
  /** Accounts of the operator; none sends nothing to any chain. */
  wallets: OperatorWallets
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

const PASSES = { maxConcurrentPasses: 32, retryBaseMs: 200, retryMaxMs: 5_000, maxFailures: 8 }
/** How long the database must have answered before the failures of a job count as its own, in milliseconds. */
const TRUST_AFTER_MS = 60_000
/** How old what is said of balances and room may be, in milliseconds. */
const OFFERS_MS = 10_000
/** Rows change far more often than jobs are let go: between two looks for those lies this much, in milliseconds. */
const ADOPT_PAUSE_MS = 250
/** How long a job may wait past its time, in milliseconds. */
const QUEUE_SWEEP_MS = 500

/**
 * Starts the reconciler. Three things wake it, all of them hints: NOTIFY when rows change, the executor when steps
 * move, and the tick, which alone is the guarantee (DESIGN §2). What must not wait for each other has its own rhythm:
 * leases, the tick, sweeps, notifications.
 */
export function startEngine(options: EngineOptions, deps: EngineDeps): Engine {
  const { db, executor, log, nowMs, wallets } = deps
  const environments = new Map(options.environments.map((environment) => [environment.id, environment]))
  const served = [...environments.keys()]
  const lease = { claimedBy: options.instance, leaseSeconds: options.leaseSeconds }
  const by = `engine ${options.instance}`
  const stopping = new AbortController()
  const { signal } = stopping
  setMaxListeners(0, signal) // every round waits on it, and there are more than the ten that look like a leak
  const held = createHeldJobs()
  const isHeld = (jobId: string): boolean => held.epochOf(jobId) !== undefined
  let lastTickMs = nowMs()
  let lastTroubleMs = -Infinity

  const adoptions = createPacer()
  const deliveries = createPacer()
  const proofs = createPacer()
  const offers = createAssetOffers(options.environments, { db, wallets, log })
  const signer = options.proofSigner && createUrlSigner(options.proofSigner, { signal })
  const keyOf = createProofKeys({ termDays: options.proofKeyDays, signer })
  const prove = createProver(environments, { db, executor, keyOf, wallets, by, nowMs, log, signal })
  const notifications = createNotificationQueue({ urls: options.notify }, { onQueued: () => deliveries.hurry() })
  const passDeps: ReconcileDeps = {
    ...deps,
    environments,
    notifications,
    by,
    podDatabaseUrl: options.podDatabaseUrl,
    keepFailedSeconds: options.keepFailedSeconds,
    deliveries: options.deliveries,
  }

  const loop = createJobLoop(PASSES, {
    nowMs,
    log,
    async pass(jobId) {
      const epoch = held.epochOf(jobId)
      if (epoch === undefined) return { next: 'drop' }
      const result = await reconcile(jobId, epoch, passDeps)
      if (result.next === 'drop') {
        // Taken again meanwhile, with another claim: that one is not this pass's to drop.
        if (held.epochOf(jobId) !== epoch) return { next: 'again' }
        held.letGo(jobId)
        claimer.request() // a slot may have come free
        proofs.hurry() // and a job may have ended
      }
      return result
    },
    async giveUp(jobId, error) {
      const epoch = held.epochOf(jobId)
      if (error instanceof ExecutorUnavailableError) return // as it is for all of them: no job's own fault
      // While the database is away every job fails; that is no reason to end any.
      if (epoch === undefined || nowMs() - lastTroubleMs < TRUST_AFTER_MS) return
      await giveUpJob({ jobId, epoch }, passDeps)
    },
  })

  function take(jobs: readonly JobRow[]): void {
    for (const job of jobs) {
      held.hold(job)
      log.info({ jobId: job.jobId, environment: job.environment, epoch: job.epoch, status: job.status }, 'job taken')
      loop.wake(job.jobId)
    }
  }

  const claimer = createClaimer({ environments: options.environments, lease, signal }, { db, onTaken: take, log })
  const leases = createLeaseKeeper(lease, {
    db,
    held,
    log,
    onLost: (jobId) => loop.drop(jobId),
    onFound: (job) => take([job]),
  })

  function onRowsChanged(): void {
    claimer.request()
    adoptions.hurry() // an engine that is ending may have let its jobs go
    loop.wakeAll() // a stop or a pod's report: which job is not said, so every held one is read again
  }

  function onStepMoved(jobId: string): void {
    if (isHeld(jobId)) loop.wake(jobId)
  }

  async function renewLeases(): Promise<void> {
    try {
      await leases.renew()
    } catch (thrown) {
      lastTroubleMs = nowMs()
      throw thrown
    }
  }

  async function tick(): Promise<void> {
    loop.wakeAll()
    claimer.request()
    await announceEngine(db, { instance: options.instance, url: options.url })
    const atWork = await countAtWork(db, served)
    for (const environment of options.environments) {
      const now = { currentJobs: atWork.get(environment.id) ?? 0, derivedAssets: offers.of(environment) }
      await announceEnvironment(db, buildAnnouncement(environment, now))
    }
    lastTickMs = nowMs()
  }

  async function adopt(): Promise<void> {
    await claimer.adopt()
    await sleep(ADOPT_PAUSE_MS, signal)
  }

  const redelivery = createRedelivery(environments, options.deliveries, { ...deps, by, signal })
  const expiry = createResultExpiry({ environments: served, by }, deps)

  const rounds = [
    repeat({ what: 'leases', everyMs: (options.leaseSeconds * 1000) / 3, signal }, renewLeases, log),
    repeat({ what: 'tick', everyMs: options.tickMs, signal }, tick, log),
    repeat({ what: 'adoption', everyMs: options.tickMs, signal, pacer: adoptions }, adopt, log),
    repeat(
      { what: 'queue', everyMs: Math.min(options.tickMs, QUEUE_SWEEP_MS), signal },
      () => endExpired(environments, { db, notifications, by, log, signal }),
      log,
    ),
    repeat({ what: 'orphans', everyMs: options.tickMs, signal }, () => removeOrphans(isHeld, passDeps), log),
    repeat({ what: 'expiry', everyMs: options.tickMs, signal }, () => expiry.sweep(signal), log),
    repeat(
      { what: 'notifications', everyMs: options.tickMs, signal, pacer: deliveries },
      () => deliverNotifications(served, { db, fetch: deps.fetch, log, signal }),
      log,
    ),
    repeat({ what: 'proofs', everyMs: options.tickMs, signal, pacer: proofs }, prove, log),
    repeat({ what: 'deliveries', everyMs: options.tickMs, signal }, () => redelivery.begin(), log),
    repeat({ what: 'asset offers', everyMs: OFFERS_MS, signal }, () => offers.refresh(), log),
    repeat(
      { what: 'derived assets', everyMs: options.tickMs, signal },
      () => publishAssets(environments, { db, fetch: deps.fetch, wallets, by, log }),
      log,
    ),
    repeat(
      { what: 'anchors', everyMs: options.tickMs, signal },
      () => anchorProofs(served, { db, wallets, by, log }),
      log,
    ),
    ...[...wallets.values()].map(({ wallet, limits }) => {
      const healGap = createGapHealer(wallet, limits, { db, nowMs, log })
      return repeat(
        { what: `transactions on chain ${wallet.chainId}`, everyMs: limits.lookEveryMs, signal },
        async () => {
          await settleTransactions(wallet, limits, { db, by, nowMs, log })
          await healGap()
        },
        log,
      )
    }),
    listenToRows({ databaseUrl: options.databaseUrl, applicationName: by, signal }, { onChange: onRowsChanged, log }),
    followSteps(executor, signal, { onMove: onStepMoved, log }),
  ]
  log.info({ environments: served, instance: options.instance, executor: executor.describe() }, 'engine started')

  return {
    lastTickMs: () => lastTickMs,
    async close() {
      stopping.abort()
      try {
        await claimer.settle()
        await loop.drain()
        // Before what may be slow to end, a chain or a receiver: jobs do not wait for that.
        if ((await releaseLeases(db, { claimedBy: options.instance })) > 0) await notifyJobs(db)
      } finally {
        await Promise.all(rounds)
        await redelivery.settle()
      }
    },
  }
}
