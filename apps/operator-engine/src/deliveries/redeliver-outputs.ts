import type { ConsumerOutput, StoredResult } from '@c2d/contracts'
import {
  endDelivery,
  loadJob,
  postponeDelivery,
  saveDelivery,
  takeDueDeliveries,
  type DueDelivery,
} from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { toError, type Logger } from '@c2d/runtime'
import { createConsumerTarget, type ConsumerUpload, type ResultStore } from '@c2d/storage'
import type { EnvironmentConfig } from '../config.ts'
import { wishOf } from '../derived-assets/choose-results.ts'
import { readConsumerOutput } from '../steps/output-file.ts'
import { POD_MAX_SECONDS } from '../steps/pod-steps.ts'
import { repeat } from '../wakes/repeat.ts'
import { bringOutputs, findUndelivered } from './bring-outputs.ts'
import { cutUploads } from './cut-uploads.ts'
import { decideNext, type DeliverySchedule } from './decide-next.ts'

export interface RedeliverDeps {
  db: Database
  results: Pick<ResultStore, 'open' | 'discard'>
  upload: ConsumerUpload
  by: string
  signal: AbortSignal
  log: Logger
}

/** How long a delivery is its engine's alone after each save, and how often it is saved. */
const LEASE_SECONDS = 30
const SAVE_MS = 5_000
/** With the files that each sends at once, what deliveries may take of the engine's memory. */
const JOBS_AT_ONCE = 4

/** Brings outputs again that are due; one for an engine's life, because what it is at outlasts a round. */
export interface Redelivery {
  /** Begins what is due and has a place free; waits for none of it. */
  begin(): Promise<void>
  /** Resolves when nothing is under way any more; to be called when `signal` has fired. */
  settle(): Promise<void>
}

/**
 * Brings outputs to consumers' own storages that did not take them while the job ran (docs/adr/0008): from where they
 * are kept, ever more rarely, until they arrive, expire, or the limit has passed. No job waits for it, and no storage
 * that takes its time holds up another. What an engine was at when it died, the next one begins anew when the lease is
 * over, less what was saved.
 */
export function createRedelivery(
  environments: ReadonlyMap<string, EnvironmentConfig>,
  schedule: DeliverySchedule,
  deps: RedeliverDeps,
): Redelivery {
  const underWay = new Set<Promise<void>>()
  const served = [...environments.keys()]
  return {
    async begin() {
      const limit = JOBS_AT_ONCE - underWay.size
      if (limit === 0) return
      for (const due of await takeDueDeliveries(deps.db, {
        environments: served,
        leaseSeconds: LEASE_SECONDS,
        limit,
      })) {
        const running: Promise<void> = redeliver(due, environments, schedule, deps)
          .catch((thrown: unknown) => {
            // The database was away, most likely: the lease ends by itself.
            deps.log.error({ jobId: due.jobId, err: toError(thrown) }, 'a delivery broke off')
          })
          .finally(() => underWay.delete(running))
        underWay.add(running)
      }
    },
    async settle() {
      await Promise.all(underWay)
    },
  }
}

async function redeliver(
  taken: DueDelivery,
  environments: ReadonlyMap<string, EnvironmentConfig>,
  schedule: DeliverySchedule,
  deps: RedeliverDeps,
): Promise<void> {
  const { db, by, log } = deps
  const { jobId, attempt, ageSeconds } = taken
  const job = await loadJob(db, jobId)
  const environment = job && environments.get(job.environment)
  const output = environment ? readConsumerOutput(environment, job.workflow) : null
  const giveUp = async (detail: Record<string, unknown>): Promise<void> => {
    log.warn({ jobId, attempt, ...detail }, 'outputs are not delivered')
    await endDelivery(db, { jobId, attempt, state: 'given up', by, detail: { attempt, ...detail } })
  }
  if (!job || !output) return giveUp({ why: 'The environment cannot read where they should go.' })
  const rows = [...(job.outputs ?? [])]
  if (rows.some(({ expired }) => expired)) return giveUp({ why: 'The results expired before they could be delivered.' })

  const keepsCopy = output.keepsCopy || wishOf(job) !== null // an asset's files stay
  const brought = await bringAndSave({ jobId, rows, output: { ...output, keepsCopy }, attempt }, deps)
  if (!brought) return
  const { left, hopeless } = findUndelivered({ jobId, rows })
  const { delivered, why } = brought
  const next = decideNext({ attempt, ageSeconds, left: left.length, hopeless }, schedule)
  const detail = { delivered, left: left.length + hopeless, why: why ?? 'Some files are kept nowhere.' }
  switch (next.do) {
    case 'end':
      log.info({ jobId, attempt, delivered }, 'outputs delivered')
      return endDelivery(db, { jobId, attempt, state: 'delivered', by, detail: { attempt, delivered } })
    case 'giveUp':
      return giveUp(detail)
    case 'postpone': {
      const { inSeconds } = next
      const told = { ...detail, attempt, retryInSeconds: Math.round(inSeconds) }
      return postponeDelivery(db, { jobId, attempt, inSeconds, by, detail: told })
    }
  }
}

/**
 * Brings what is missing and writes down how far it is, every few seconds and in the end; copies that were kept only for
 * this go when their rows no longer name them.
 * @returns null where it was cut short: by the engine's end, or by losing the delivery to another
 */
async function bringAndSave(
  delivery: { jobId: string; rows: StoredResult[]; output: ConsumerOutput; attempt: number },
  deps: RedeliverDeps,
): Promise<{ delivered: number; why: string | null } | null> {
  const { jobId, rows, output, attempt } = delivery
  const lost = new AbortController()
  const over = new AbortController()
  const cut = AbortSignal.any([deps.signal, lost.signal])
  const signal = AbortSignal.any([cut, AbortSignal.timeout(POD_MAX_SECONDS.publish * 1000)])
  let changes = 0
  let savedChanges = 0
  const dropped: string[] = []

  async function save(leaseSeconds: number): Promise<void> {
    const [changesNow, unnamed] = [changes, dropped.length]
    const outputs = changesNow > savedChanges ? [...rows] : null
    if (!(await saveDelivery(deps.db, { jobId, attempt, leaseSeconds, outputs }))) {
      lost.abort()
      return
    }
    savedChanges = changesNow
    for (const address of dropped.splice(0, unnamed)) {
      await deps.results.discard(address).catch((thrown: unknown) => {
        // It goes with the job's other results, when they expire.
        deps.log.warn({ jobId, err: toError(thrown) }, 'a copy that is not to be kept stays')
      })
    }
  }

  const saving = repeat(
    { what: 'delivery', everyMs: SAVE_MS, signal: AbortSignal.any([cut, over.signal]) },
    () => save(LEASE_SECONDS),
    deps.log,
  )
  const onChange = (addresses: readonly string[]): void => {
    changes += 1
    dropped.push(...addresses)
  }
  const target = createConsumerTarget(output.remoteStorage, { jobId }, { upload: cutUploads(deps.upload, signal) })
  const { keepsCopy } = output
  const brought = await bringOutputs({ jobId, rows, keepsCopy }, { ...deps, target, onChange, signal })
  over.abort()
  await saving
  if (lost.signal.aborted) return null
  await save(deps.signal.aborted ? 0 : LEASE_SECONDS) // an engine that ends gives it back
  if (cut.aborted) return null
  return signal.aborted ? { ...brought, why: 'It took too long.' } : brought
}
