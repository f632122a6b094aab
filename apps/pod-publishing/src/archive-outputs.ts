import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pack, type Pack } from 'tar-stream'
import { buildManifest, type ManifestEntry } from './build-manifest.ts'

/** A file that goes into the archive. */
export interface ArchivedFile {
  path: string
  sizeBytes: number
  open: () => Promise<Readable>
}

// The archive of the same outputs is the same bytes, wherever and whenever it is made.
const ENTRY = { mode: 0o644, mtime: new Date(0), type: 'file' as const }

/**
 * All outputs as one tar, with `manifest.json` as its last entry, because only then every hash is known. Streams: holds
 * a piece of one file at a time. Fails where one of the files cannot be read to its end.
 */
export function openArchive(jobId: string, files: readonly ArchivedFile[]): Readable {
  async function* read(): AsyncGenerator<Buffer> {
    const archive = pack()
    const left = new AbortController()
    const filling = fill(archive, jobId, files, left.signal) // not before somebody reads
    filling.catch(() => archive.destroy())
    try {
      for await (const piece of archive) yield piece as Buffer
    } catch {
      // It ended early, and in words of its own; what it broke on is thrown below.
    } finally {
      left.abort() // also when nobody reads on
      archive.destroy()
    }
    await filling
  }
  return Readable.from(read(), { objectMode: false })
}

async function fill(archive: Pack, jobId: string, files: readonly ArchivedFile[], signal: AbortSignal): Promise<void> {
  const entries: ManifestEntry[] = []
  for (const { path, sizeBytes, open } of files) {
    const hash = createHash('sha256')
    let finish: (error?: Error | null) => void = () => undefined
    const finished = new Promise<undefined>((resolve, reject) => {
      finish = (error) => {
        if (error) reject(error)
        else resolve(undefined)
      }
    })
    finished.catch(() => undefined) // met below, unless the file breaks first
    const entry = archive.entry({ ...ENTRY, name: path, size: sizeBytes }, finish)
    entry.on('error', finish)
    for await (const piece of await open()) {
      hash.update(piece as Buffer)
      if (!entry.write(piece)) await once(entry, 'drain', { signal })
    }
    entry.end(null)
    await finished
    entries.push({ path, sizeBytes, sha256: hash.digest('hex') })
  }
  archive.entry({ ...ENTRY, name: 'manifest.json' }, buildManifest(jobId, entries).toString('utf8'))
  archive.finalize()
}
