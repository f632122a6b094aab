import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join, normalize, sep } from 'node:path'
import { jobIdSchema } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { ResultStore } from './result-store.ts'
import { writeFileWhole } from './write-file-whole.ts'

const SCHEME = 'filesystem:'

/**
 * Results on a mounted volume: `<root>/<jobId>/<path>`, addressed as `filesystem:<jobId>/<path>`. The root is no part
 * of the address, so the writer and the reader may mount the volume at different places.
 * @param options.root folder of the volume
 */
export function createFilesystemStore(options: { root: string }): ResultStore {
  const located = (url: string): string => locate(options.root, url)
  return {
    async put(jobId, path, source) {
      const url = `${SCHEME}${jobIdSchema.parse(jobId)}/${path}`
      const file = await writeFileWhole(located(url), source)
      return { url, ...file }
    },
    async size(url) {
      return (await statFile(located(url))).size
    },
    async open(url, range) {
      const path = located(url)
      await statFile(path)
      return createReadStream(path, range ?? {})
    },
    async remove(jobId) {
      await rm(join(options.root, jobIdSchema.parse(jobId)), { recursive: true, force: true })
    },
  }
}

async function statFile(path: string) {
  const found = await stat(path).catch(() => null)
  if (!found?.isFile()) throw new AppError('NotFound', { detail: 'The result is not in the storage any more.' })
  return found
}

/** Rows are written by pods: an address must not lead out of its job's own folder. */
function locate(root: string, url: string): string {
  const [jobId, ...rest] = url.startsWith(SCHEME) ? url.slice(SCHEME.length).split('/') : []
  const path = normalize(rest.join(sep))
  const isInside = jobIdSchema.safeParse(jobId).success && rest.length > 0 && !/^\.\.?(?:[\\/]|$)|^[\\/]/.test(path)
  if (!isInside || path.includes('\0')) {
    throw new AppError('NotFound', { detail: 'The result has no address in this storage.' })
  }
  return join(root, jobId as string, path)
}
