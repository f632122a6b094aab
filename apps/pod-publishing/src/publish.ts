import { basename } from 'node:path/posix'
import { Readable } from 'node:stream'
import type { StepPublish, StoredResult } from '@c2d/contracts'
import type { ResultStores } from '@c2d/storage'
import { openArchive } from './archive-outputs.ts'
import { buildManifest, type ManifestEntry } from './build-manifest.ts'
import { classifyResult } from './classify.ts'
import { collectFiles, type CollectedFile, type Unpublished } from './collect.ts'
import { forEachAtOnce } from './for-each-at-once.ts'
import type { DeliverOutput } from './deliver-output.ts'
import type { JobLog } from './job-log.ts'
import { putKeptLogs } from './kept-logs.ts'
import { storeCopies } from './store-copies.ts'

/** What is told about a job's results. */
export interface PublishOutcome {
  /** The rows, in the order of their index; what is not stored comes last, without an address. */
  rows: StoredResult[]
  /** How many files should be stored everywhere and are not; another attempt may do better. */
  lost: number
  /** One sentence on what the environment did not allow, or its places cannot keep; undefined when that is nothing. */
  refusal: string | undefined
}

interface Item {
  path: string
  /** Null for what is made while it is read. */
  sizeBytes: number | null
  open: () => Promise<Readable>
}

const ARCHIVE = 'outputs.tar'
const SMALL_BYTES = 1024 * 1024
/** Files at once: many that wait for answers, few that fill memory with their parts. */
const SMALL_AT_ONCE = 16
const LARGE_AT_ONCE = 2
/** Rows, and lines of the log, for what is not published; the rest is a number. */
const MAX_TOLD = 100

/**
 * Publishes what a job left: outputs as files, as an archive or both, then its logs, then the log of this very step,
 * which says how it went (pods-behaviour §2, §5 items 3 and 15).
 */
export async function publishJob(
  job: { jobId: string; root: string; publish: StepPublish; keptLogs?: readonly CollectedFile[] },
  deps: { stores: ResultStores; log: JobLog; deliver: DeliverOutput; pausesMs?: readonly number[] },
): Promise<PublishOutcome> {
  const { jobId, root, publish, keptLogs = [] } = job
  const { stores, log } = deps
  const collected = await collectFiles(root, publish)
  tell(collected.skipped, (path, why) => `Left out ${path}: ${why}`, log)
  tell(collected.refused, (path, why) => `Refused ${path}: ${why}`, log)
  tell(collected.unreadable, (path, why) => `Could not read ${path}: ${why}`, log)

  const rows = new Map<string, StoredResult>()
  const unkeepable: Unpublished[] = []
  let lost = collected.unreadable.length

  async function store(item: Item): Promise<void> {
    const { row, sizeBytes, isKept } = await deps.deliver(item)
    if (isKept) await keep(item, row)
    else rows.set(item.path, { ...describe(item.path, sizeBytes ?? 0, ''), ...row })
  }

  async function keep(item: Item, delivery: Partial<StoredResult>): Promise<void> {
    const { copies, failures } = await storeCopies({ jobId, ...item }, stores, deps.pausesMs)
    const [first, ...further] = copies
    const failure = failures.map(({ backend, why }) => `${backend}: ${why}`).join('; ')
    if (failures.some(({ isFinal }) => !isFinal)) lost += 1
    else if (failure) unkeepable.push({ path: item.path, sizeBytes: item.sizeBytes ?? 0, why: failure })
    rows.set(item.path, {
      ...describe(item.path, first?.sizeBytes ?? item.sizeBytes ?? 0, first?.url ?? ''),
      ...delivery,
      ...(first ? { sha256: first.sha256 } : {}),
      ...(further.length > 0 ? { copies: further.map(({ url }) => url) } : {}),
      ...(failure ? { failure } : {}),
    })
    if (first) log.say(`Stored ${item.path}: ${first.sizeBytes} bytes, SHA-256 ${first.sha256}`)
    if (failure) log.say(`Could not store ${item.path}: ${failure}`)
  }

  const items = arrange(jobId, putKeptLogs(collected.files, keptLogs), publish)
  const [small, large] = [items.filter(isSmall), items.filter((item) => !isSmall(item))]
  await Promise.all([forEachAtOnce(SMALL_AT_ONCE, small, store), forEachAtOnce(LARGE_AT_ONCE, large, store)])

  const order = items.map(({ path }) => path)
  if (publish.manifest) {
    const manifest = buildManifest(
      jobId,
      order.flatMap((path) => manifestEntryOf(rows.get(path))),
    )
    await store(fromMemory('manifest.json', manifest))
    order.splice(order.filter(isOutput).length, 0, 'manifest.json')
  }
  log.say(
    `${order.length} files stored or tried, ${lost} lost, ${collected.refused.length + unkeepable.length} refused`,
  )
  await store(fromMemory('adminlogs/publish.log', log.snapshot()))
  order.push('adminlogs/publish.log')

  const all = order.flatMap((path) => rows.get(path) ?? [])
  return {
    rows: [
      ...all.filter(({ url }) => url !== ''),
      ...all.filter(({ url }) => url === ''),
      ...describeUnpublished([...collected.unreadable, ...collected.refused]),
    ],
    lost,
    refusal: summarise([...collected.refused, ...unkeepable]),
  }
}

/** The order of the rows: outputs, their archive, logs. */
function arrange(jobId: string, files: readonly CollectedFile[], { archive }: StepPublish): Item[] {
  const outputs = files.filter(({ path }) => isOutput(path))
  const logs = files.filter(({ path }) => !isOutput(path))
  if (archive === 'none' || outputs.length === 0) return [...outputs, ...logs]
  const tar: Item = {
    path: ARCHIVE,
    sizeBytes: null,
    open: () => Promise.resolve(openArchive(jobId, outputs)),
  }
  return [...(archive === 'beside' ? outputs : []), tar, ...logs]
}

function isOutput(path: string): boolean {
  return path.startsWith('outputs/') || path === ARCHIVE
}

function isSmall({ sizeBytes }: Item): boolean {
  return sizeBytes !== null && sizeBytes <= SMALL_BYTES
}

function fromMemory(path: string, bytes: Buffer): Item {
  return { path, sizeBytes: bytes.length, open: () => Promise.resolve(Readable.from([bytes], { objectMode: false })) }
}

/** The members that old clients read, as they read them, and the path beside (pods-behaviour §2.5). */
function describe(path: string, sizeBytes: number, url: string): StoredResult {
  return { filename: basename(path), filesize: sizeBytes, url, type: classifyResult(path), path }
}

function manifestEntryOf(row: StoredResult | undefined): ManifestEntry[] {
  if (!row?.sha256 || !row.path || row.type !== 'output') return []
  return [{ path: row.path, sizeBytes: row.filesize, sha256: row.sha256 }]
}

function describeUnpublished(unpublished: readonly Unpublished[]): StoredResult[] {
  const told = unpublished.slice(0, MAX_TOLD).map(({ path, sizeBytes, why }) => ({
    ...describe(path, sizeBytes, ''),
    failure: why,
  }))
  const more = unpublished.length - told.length
  if (more === 0) return told
  return [...told, { ...describe('outputs', 0, ''), failure: `${more} more are not stored; publish.log counts them` }]
}

function summarise(refused: readonly Unpublished[]): string | undefined {
  const [first] = refused
  if (!first) return undefined
  const others = refused.length > 1 ? `, and ${refused.length - 1} more` : ''
  return `${first.path}: ${first.why}${others}`
}

function tell(list: readonly Unpublished[], words: (path: string, why: string) => string, log: JobLog): void {
  for (const { path, why } of list.slice(0, MAX_TOLD)) log.say(words(path, why))
  if (list.length > MAX_TOLD) log.say(`... and ${list.length - MAX_TOLD} more of that kind`)
}
