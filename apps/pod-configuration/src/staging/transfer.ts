import { setMaxListeners } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError } from '@c2d/runtime'
import { RETRY_POLICY, type RetryPolicy } from './backoff.ts'
import type { BufferPool } from './buffer-pool.ts'
import { chooseLanes, choosePartBytes } from './choose-lanes.ts'
import { LastingFailure, PassingFailure, type FileOrigin, type OriginAnswer } from './origin.ts'
import type { PartialFile } from './partial-file.ts'
import { createParts, type Part } from './parts.ts'
import { createPatience, type FailureCount } from './patience.ts'
import { pourPart, type Pour } from './pour-part.ts'
import type { ProgressMeter } from './progress.ts'
import { decodeBody } from './read-body.ts'
import { rangeHeaders, readPart, readWhole, retryAfterMs } from './read-answer.ts'

/** How files are fetched. */
export interface TransferSettings {
  /** Time in which an origin must send something, in milliseconds. */
  idleTimeoutMs: number
  /** Connections one file may have. */
  maxLanes: number
  retry: RetryPolicy
  /** From this size on a file may be fetched by several connections. */
  splitFromBytes: number
}

export const TRANSFER_SETTINGS: TransferSettings = {
  idleTimeoutMs: 30_000,
  maxLanes: 16,
  retry: RETRY_POLICY,
  splitFromBytes: 16 * 1024 * 1024,
}

export interface TransferDeps {
  progress: ProgressMeter
  buffers: BufferPool
  /** Connections of all files together; the first one of a file is not asked for. */
  extraLanes: { tryTake(): boolean; release(): void }
}

/** What an origin said of a file that is complete. */
export interface TransferredFile {
  sizeBytes: number
  headers: OriginAnswer['headers']
}

/** The origin's file is another one now, or gives no parts after all: everything begins anew. */
class Restart extends PassingFailure {
  override name = 'Restart'
  readonly mayHaveParts: boolean

  constructor(message: string, mayHaveParts: boolean) {
    super(message)
    this.mayHaveParts = mayHaveParts
  }
}

const WATCH_MS = 50

/**
 * Fetches one file: at once and whole by one connection, which others join where the origin gives each of them little.
 * A cut is resumed where it happened; parts are only ever of one version of the file.
 * @throws PassingFailure when every try failed, LastingFailure for what no try mends, ProvisionError for want of room
 */
export async function transferFile(
  origin: FileOrigin,
  file: PartialFile,
  settings: TransferSettings,
  deps: TransferDeps,
): Promise<TransferredFile> {
  const total: FailureCount = { failures: 0 }
  const patience = createPatience(settings.retry, total)
  let mayHaveParts = true
  for (;;) {
    const abort = new AbortController()
    setMaxListeners(0, abort.signal)
    const meter = deps.progress.beginFile()
    try {
      return await attempt(origin, { mayHaveParts, abort, total, file, settings, deps, meter })
    } catch (failure) {
      abort.abort()
      meter.undo()
      // A first answer that is refused has taken nothing; everything else that was fetched is of no use any more.
      await file.reset()
      if (failure instanceof Restart) mayHaveParts &&= failure.mayHaveParts
      await patience.afterFailure(failure, false)
    }
  }
}

interface Attempt {
  mayHaveParts: boolean
  abort: AbortController
  total: FailureCount
  file: PartialFile
  settings: TransferSettings
  deps: TransferDeps
  meter: ReturnType<ProgressMeter['beginFile']>
}

async function attempt(origin: FileOrigin, run: Attempt): Promise<TransferredFile> {
  const { abort, file, settings, deps, meter } = run
  const answer = await origin.ask({ 'accept-encoding': 'identity' }, abort.signal).catch(asPassing)
  const whole = readWhole(answer.status, answer.headers)
  if (!whole) throw await refusalOf(origin, answer)
  const version = run.mayHaveParts ? whole.version : null
  let sizeBytes = whole.sizeBytes
  meter.expect(sizeBytes)
  if (sizeBytes !== null) await file.expect(sizeBytes)

  const parts = createParts(sizeBytes ?? Infinity)
  const pour: Pour = {
    file,
    buffers: deps.buffers,
    idleTimeoutMs: settings.idleTimeoutMs,
    onBytes: (bytes) => meter.received(bytes),
  }
  let isProven = false
  let rate = 0
  let ended = 0
  const partBytes = (): number => choosePartBytes(rate)

  const lanes = createLanes(abort)
  lanes.add(firstLane)
  const stopWatching = sizeBytes !== null && sizeBytes >= settings.splitFromBytes && version !== null ? watch() : null
  try {
    await lanes.ended()
    while (parts.hasLeft()) {
      lanes.add(fetchParts)
      await lanes.ended()
    }
  } finally {
    stopWatching?.()
  }
  const complete = sizeBytes ?? ended
  return { sizeBytes: complete, headers: answer.headers }

  /** Reads the first answer for as long as nobody else has what comes next, then fetches parts like the others. */
  async function firstLane(): Promise<void> {
    const part = parts.claim(sizeBytes === null || version === null ? Infinity : partBytes())
    if (part) {
      const body = decodeBody(answer.body, whole?.encoding ?? null)
      const more = (): boolean => parts.extend(part, partBytes())
      const failure = await pourPart(body, part, pour, { bodyEnd: sizeBytes ?? Infinity, more })
      if (failure === 'end') {
        ended = part.at
        if (sizeBytes !== null && part.at < part.end) await resume(part, cut())
      } else if (failure !== null) await resume(part, failure)
      parts.finish(part)
    } else answer.body.resume() // an empty file: unread, its connection would never be another file's
    await fetchParts()
  }

  /** What a broken connection left over, if the rest of this very file can be asked for. */
  async function resume(part: Part, failure: PassingFailure): Promise<void> {
    if (version === null) throw failure
    const patience = createPatience(settings.retry, run.total, abort.signal)
    await patience.afterFailure(failure, part.at > 0)
    await fetchPart(part)
  }

  async function fetchParts(): Promise<void> {
    if (version === null) return
    for (let part = parts.claim(partBytes()); part; part = parts.claim(partBytes())) {
      await fetchPart(part)
      parts.finish(part)
    }
  }

  async function extraLane(): Promise<void> {
    try {
      const part = parts.claim(partBytes())
      if (!part) return
      try {
        await fetchPart(part, { isExtra: true })
      } catch (failure) {
        if (!(failure instanceof PassingFailure) || failure instanceof Restart) throw failure
        parts.giveBack(part) // an origin that minds more connections keeps the ones it has
        lanes.max = Math.max(1, lanes.count() - 1)
        return
      }
      parts.finish(part)
      await fetchParts()
    } finally {
      deps.extraLanes.release()
    }
  }

  async function fetchPart(part: Part, { isExtra = false } = {}): Promise<void> {
    if (version === null) throw new Error('parts of a file without a version')
    const patience = createPatience(settings.retry, run.total, abort.signal)
    while (part.at < part.end) {
      const before = part.at
      try {
        await askForPart(part, version)
      } catch (failure) {
        if (failure instanceof Restart || (isExtra && part.at === before)) throw failure
        await patience.afterFailure(failure, part.at > before)
      }
    }
  }

  async function askForPart(part: Part, ofVersion: string): Promise<void> {
    const asked = { from: part.at, to: part.end === Infinity ? null : part.end }
    const headers = { 'accept-encoding': 'identity', ...rangeHeaders(asked, ofVersion) }
    const got = await origin.ask(headers, abort.signal).catch(asPassing)
    const reading = readPart(got.status, got.headers, asked, { version: ofVersion, sizeBytes })
    if (reading.kind === 'refused') throw await refusalOf(origin, got)
    if (reading.kind !== 'part') {
      got.body.destroy()
      throw reading.kind === 'changed'
        ? new Restart('the file changes while it is read', true)
        : new Restart('the origin gives no parts of the file', false)
    }
    isProven = true
    if (sizeBytes === null) {
      if (reading.sizeBytes === null) throw new Restart('the origin does not say how long the file is', false)
      sizeBytes = reading.sizeBytes
      meter.expect(sizeBytes)
      part.end = sizeBytes
    }
    const until = reading.toByte
    const failure = await pourPart(got.body, part, pour, { bodyEnd: until, more: () => false })
    if (failure === 'end' && part.at < Math.min(part.end, until)) throw cut()
    if (failure !== null && failure !== 'end') throw failure
  }

  /** Looks every moment at how the file is coming in, and lets more connections join. */
  function watch(): () => void {
    let seen = meter.bytes()
    let seenAt = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      const bytesPerSecond = ((meter.bytes() - seen) * 1000) / Math.max(1, now - seenAt)
      seen = meter.bytes()
      seenAt = now
      rate = bytesPerSecond / Math.max(1, lanes.count())
      const maxLanes = Math.min(settings.maxLanes, lanes.max, origin.maxLanes ?? Infinity)
      const unclaimedBytes = parts.unclaimed()
      const wanted = chooseLanes({ lanes: lanes.count(), maxLanes, bytesPerSecond, unclaimedBytes, isProven })
      for (let count = lanes.count(); count < wanted && deps.extraLanes.tryTake(); count += 1) lanes.add(extraLane)
    }, WATCH_MS)
    return () => clearInterval(timer)
  }
}

/** Several things at once, more of which may join; the first failure ends all. */
function createLanes(abort: AbortController) {
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  return {
    max: Infinity,
    count: () => running.size,
    add(lane: () => Promise<void>) {
      const promise: Promise<void> = lane().then(
        () => void running.delete(promise),
        (error: unknown) => {
          running.delete(promise)
          failure ??= { error }
          abort.abort()
        },
      )
      running.add(promise)
    },
    async ended() {
      while (running.size > 0) {
        await Promise.race(running)
        await nextTurn() // whoever has just ended may have been followed
      }
      if (failure) throw failure.error
    },
  }
}

async function refusalOf(origin: FileOrigin, answer: OriginAnswer): Promise<Error> {
  const waitMs = retryAfterMs(answer.headers, Date.now())
  const { message, isPassing } = await origin.explain(answer)
  return isPassing ? new PassingFailure(message, { waitMs }) : new LastingFailure(message)
}

/** What the guard refuses has no cause, and stays refused; what has one did not answer, and may. */
function asPassing(thrown: unknown): never {
  if (thrown instanceof AppError) {
    if (thrown.cause === undefined) throw new LastingFailure(thrown.detail)
    throw new PassingFailure(thrown.detail, { cause: thrown })
  }
  throw thrown
}

function cut(): PassingFailure {
  return new PassingFailure('the file ended before it was whole')
}
