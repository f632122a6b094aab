import type { Readable } from 'node:stream'
import type { StepPublish } from '@c2d/contracts'
import { applyLimits } from './apply-limits.ts'
import { classifyResult } from './classify.ts'
import { fitRows } from './fit-rows.ts'
import { listVolume, type LeftOut } from './volume/list-volume.ts'
import { createInsideOpener } from './volume/open-inside.ts'
import { createPathNamer } from './volume/printable-path.ts'
import { readUnchanged } from './volume/read-unchanged.ts'

/** A file to publish, by its path below the volume as everybody may see it. */
export interface CollectedFile {
  path: string
  sizeBytes: number
  /** Its bytes from the beginning, anew each time; it must still be what it was when it was listed. */
  open: () => Promise<Readable>
}

/** Something that will not be stored, and why. */
export interface Unpublished {
  path: string
  sizeBytes: number
  why: string
}

export interface Collected {
  /** In the order of the result index (pods-behaviour §2.2): outputs, then logs, then admin logs, each by its bytes. */
  files: CollectedFile[]
  /** Links, pipes and the like: nobody misses them. */
  skipped: Unpublished[]
  /** What the environment does not allow. */
  refused: Unpublished[]
  /** What should be published and cannot be read. */
  unreadable: Unpublished[]
}

const OUTPUTS = 'outputs'
const LOGS = ['logs', 'adminlogs']
/** Kept by this step itself, and no file of the volume until then. */
const OWN_LOG = 'adminlogs/publish.log'
const MAX_LOGS = 1_000
const MAX_DEPTH = 64
/** Folders and other things beside files that are looked at, for each file that is allowed. */
const ENTRIES_PER_FILE = 10

/**
 * Everything of a job's volume that is to be published, held to the limits of its environment. What an algorithm puts
 * beside its log is an output too (pods-behaviour §3.3), under the same limits.
 */
export async function collectFiles(root: string, limits: StepPublish): Promise<Collected> {
  const collected: Collected = { files: [], skipped: [], refused: [], unreadable: [] }
  const nameOf = createPathNamer()
  const openInside = createInsideOpener(root)
  const logs: CollectedFile[] = []
  const outputs: CollectedFile[] = []

  for (const folder of [OUTPUTS, ...LOGS]) {
    const maxFiles = folder === OUTPUTS ? limits.maxFiles : MAX_LOGS
    const listing = await listVolume(root, folder, {
      maxFiles,
      maxEntries: maxFiles * ENTRIES_PER_FILE,
      maxDepth: MAX_DEPTH,
    })
    for (const { raw, sizeBytes } of listing.files) {
      const path = nameOf(raw)
      if (path === OWN_LOG) continue
      const open = () => Promise.resolve(readUnchanged(() => openInside(raw), sizeBytes))
      const isLog = folder === 'adminlogs' || classifyResult(path) !== 'output'
      ;(isLog ? logs : outputs).push({ path, sizeBytes, open })
    }
    for (const left of listing.leftOut) {
      ;(left.isLoss ? collected.unreadable : collected.skipped).push(describeLeftOut(left, nameOf))
    }
    if (listing.cutAt !== null) {
      collected.refused.push({
        path: folder,
        sizeBytes: 0,
        why: `it holds ${listing.cutAt}, which is what the environment allows: the rest was not looked at`,
      })
    }
  }

  const listed = limits.archive === 'instead' ? { accepted: outputs, refused: [] } : fitRows(outputs)
  const held = applyLimits(listed.accepted, limits)
  const heldLogs = applyLimits(logs, { ...limits, maxTotalBytes: Infinity, allowedTypes: undefined })
  for (const { file, why } of [...held.refused, ...heldLogs.refused]) {
    collected.refused.push({ path: file.path, sizeBytes: file.sizeBytes, why })
  }
  for (const { path, sizeBytes } of listed.refused) {
    collected.refused.push({ path, sizeBytes, why: 'the list of results has no room for it: an archive has' })
  }
  const byFolder = (folder: string) =>
    [...held.accepted, ...heldLogs.accepted]
      .filter(({ path }) => path.startsWith(`${folder}/`))
      .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
  collected.files = [...held.accepted.filter(isOutput), ...LOGS.flatMap(byFolder)]
  return collected
}

function isOutput({ path }: CollectedFile): boolean {
  return path.startsWith(`${OUTPUTS}/`)
}

function describeLeftOut({ raw, why }: LeftOut, nameOf: (raw: LeftOut['raw']) => string): Unpublished {
  return { path: nameOf(raw), sizeBytes: 0, why }
}
