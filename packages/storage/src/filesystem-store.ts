import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { jobIdSchema } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { openFileStream } from './file-stream.ts'
import { formatResultAddress, parseResultAddress } from './result-address.ts'
import { resultNotFound, type ResultStore } from './result-store.ts'
import type { FilesystemTarget } from './results-config.ts'
import { writeFileWhole } from './write-file-whole.ts'

/**
 * Results on a mounted volume: `<root>/<jobId>/<path>`, addressed as `filesystem:<jobId>/<path>`. The root is no part
 * of the address, so the writer and the reader may mount the volume at different places.
 * @param options.root folder of the volume
 */
export function createFilesystemStore(options: Pick<FilesystemTarget, 'root'>): ResultStore {
  const locate = (url: string): string => {
    const { backend, jobId, path } = parseResultAddress(url)
    if (backend !== 'filesystem') throw resultNotFound()
    return join(options.root, jobId, path)
  }
  return {
    async put(jobId, path, source) {
      const url = formatResultAddress({ backend: 'filesystem', jobId, path })
      try {
        return { url, ...(await writeFileWhole(locate(url), source)) }
      } catch (thrown) {
        if (!isOfPath(thrown) || !(await isFolder(options.root))) throw thrown
        throw new AppError('InvalidRequest', { detail: PATH_REFUSED, cause: thrown })
      } finally {
        source.destroy()
      }
    },
    async stat(url) {
      return { sizeBytes: (await statFile(locate(url))).size }
    },
    async open(url, range) {
      const path = locate(url)
      await statFile(path)
      return openFileStream(path, range)
    },
    async remove(jobId) {
      await rm(join(options.root, jobIdSchema.parse(jobId)), { recursive: true, force: true })
    },
    async discard(url) {
      await rm(locate(url), { force: true })
    },
  }
}

const PATH_REFUSED = 'The path of the result is too long for a folder, or leads through a file.'
const OF_PATH = new Set(['ENAMETOOLONG', 'ENOTDIR', 'EISDIR', 'EEXIST'])

/** What the system says of a path that it cannot have, whatever is tried; and of any path, below what is no folder. */
function isOfPath(thrown: unknown): boolean {
  return OF_PATH.has((thrown as NodeJS.ErrnoException).code ?? '')
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false
}

async function statFile(path: string) {
  const found = await stat(path).catch(() => null)
  if (!found?.isFile()) throw resultNotFound()
  return found
}
