import { PassThrough, pipeline, type Readable } from 'node:stream'
import type { StepName } from '../executor.ts'
import type { ClusterClient } from './cluster-client.ts'
import { ClusterError } from './cluster-error.ts'
import { ANNOTATION, MAIN_CONTAINER } from './names.ts'
import type { NamespaceRoom } from './namespace-room.ts'
import { buildPath } from './paths.ts'
import { findMain } from './read-step.ts'
import type { PodView } from './views.ts'

/** How long the end of a step may take to show after the end of its log, in milliseconds. */
const END_MS = 3_000
/** How long a log that is followed may be silent before it is asked for anew, in milliseconds: a quiet step costs that much. */
const SILENCE_MS = 30_000
const CUT_MS = 300
const DEFAULT_BYTES = 10 * 1024 ** 2

export interface StepLogDeps {
  client: ClusterClient
  /** Resolves when an object of the job changed, or after that time. */
  nextMove: (jobId: string, timeoutMs: number) => Promise<void>
  /** Nobody reads any more. */
  signal: AbortSignal
}

/** `followStepLog` as a stream that lets go of the cluster as soon as its reader, or the executor, is gone. */
export function openStepLog(
  room: NamespaceRoom,
  which: { jobId: string; step: StepName },
  deps: StepLogDeps,
): Readable {
  const left = new AbortController()
  const out = new PassThrough()
  out.once('close', () => left.abort())
  const signal = AbortSignal.any([left.signal, deps.signal])
  // Whoever reads is told by the stream itself that it broke.
  pipeline(followStepLog(room, which, { ...deps, signal }), out, () => undefined)
  return out
}

/**
 * The output of a step's latest attempt from its first byte, live; at most as many bytes as its step keeps, and then a
 * line that says so. A cut connection is mended unseen: the log is read again and what was told already is skipped.
 */
async function* followStepLog(
  room: NamespaceRoom,
  { jobId, step }: { jobId: string; step: StepName },
  deps: StepLogDeps,
): AsyncGenerator<Buffer> {
  const state = room.observe(jobId).steps[step]
  if (state.phase === 'absent') return
  const { attempt } = state
  const isLeft = (): boolean => deps.signal.aborted
  let told = 0
  while (!isLeft()) {
    const objects = room.findAttempt(jobId, step, attempt)
    if (!objects) return
    const limit = readLimit(objects.job.annotations)
    const { pod } = objects
    const container = findMain(pod)?.state
    if (!pod || (!container?.running && !container?.terminated)) {
      if (room.observeAttempt(jobId, step, attempt).phase === 'ended') return
      await deps.nextMove(jobId, END_MS)
      continue
    }
    const isOver = container.terminated != null
    const query = { container: MAIN_CONTAINER, follow: !isOver, limitBytes: limit + 1 }
    const hasEnded = (): boolean => room.observeAttempt(jobId, step, attempt).phase === 'ended'
    const connection = guardConnection(deps.signal, isOver ? () => true : hasEnded)
    let isCut = false
    try {
      let seen = 0
      for await (const part of await openLog(room.namespace, pod, query, connection.signal, deps.client)) {
        connection.touch()
        const bytes = part as Buffer
        const fresh = bytes.subarray(Math.max(0, told - seen))
        seen += bytes.length
        const kept = fresh.subarray(0, limit - told)
        told += kept.length
        if (kept.length > 0) yield kept
        if (kept.length < fresh.length) {
          yield Buffer.from(buildLimitNote(limit))
          return
        }
      }
    } catch (thrown) {
      // An answer about a pod that is gone, or was never: there is nothing to read any more. All else is mended.
      if (thrown instanceof ClusterError) return
      isCut = true
    } finally {
      connection.close()
    }
    if (isOver && !isCut) return
    await deps.nextMove(jobId, isCut ? CUT_MS : END_MS)
    if (!isCut && hasEnded()) return
  }
}

/**
 * A signal that cuts a connection which has died without a word: silent for long, or for a little after the step's end,
 * when nothing is to be waited for any more.
 */
function guardConnection(outer: AbortSignal, hasEnded: () => boolean) {
  const cut = new AbortController()
  let touchedAtMs = Date.now()
  const timer = setInterval(() => {
    if (Date.now() - touchedAtMs > (hasEnded() ? END_MS : SILENCE_MS)) cut.abort()
  }, 1_000)
  return {
    signal: AbortSignal.any([outer, cut.signal]),
    touch: () => void (touchedAtMs = Date.now()),
    close() {
      clearInterval(timer)
      cut.abort()
    },
  }
}

/**
 * What there is of an ended step's log, for keeping.
 * @returns at most `limit` bytes and a line where there was more; empty where nothing can be read any more
 */
export async function readStepLog(
  room: NamespaceRoom,
  { jobId, step, limit }: { jobId: string; step: StepName; limit: number },
  client: ClusterClient,
): Promise<Buffer> {
  const state = room.observe(jobId).steps[step]
  if (state.phase === 'absent') return Buffer.alloc(0)
  const objects = room.findAttempt(jobId, step, state.attempt)
  const main = findMain(objects?.pod ?? null)?.state
  if (!objects?.pod || (!main?.running && !main?.terminated)) return Buffer.alloc(0)
  const most = Math.min(limit, readLimit(objects.job.annotations))
  const query = { container: MAIN_CONTAINER, follow: false, limitBytes: most + 1 }
  const parts: Buffer[] = []
  try {
    for await (const part of await openLog(room.namespace, objects.pod, query, new AbortController().signal, client)) {
      parts.push(part as Buffer)
    }
  } catch (thrown) {
    if (!(thrown instanceof ClusterError)) throw thrown // it may be there yet: asked again with the step that needs it
  }
  const log = Buffer.concat(parts)
  return log.length > most ? Buffer.concat([log.subarray(0, most), Buffer.from(buildLimitNote(most))]) : log
}

/** The line that ends a log of which not all was kept. */
export function buildLimitNote(limitBytes: number): string {
  return `\n[log limit of ${limitBytes} bytes reached, the rest was dropped]\n`
}

function openLog(
  namespace: string,
  pod: PodView,
  query: { container: string; follow: boolean; limitBytes: number },
  signal: AbortSignal,
  client: ClusterClient,
) {
  return client.open(`${buildPath(namespace, 'pods', pod.name)}/log`, query, signal)
}

function readLimit(annotations: Readonly<Record<string, string>>): number {
  const limit = Number(annotations[ANNOTATION.logBytes])
  return Number.isSafeInteger(limit) && limit >= 0 ? limit : DEFAULT_BYTES
}
