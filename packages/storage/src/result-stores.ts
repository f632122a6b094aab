import { AppError } from '@c2d/runtime'
import { createFilesystemStore } from './filesystem-store.ts'
import { createIpfsStore } from './ipfs-store.ts'
import { isAddressOfJob, parseResultAddress, type ResultBackend } from './result-address.ts'
import { resultNotFound, type ObjectKeys, type ResultStore } from './result-store.ts'
import type { ResultsConfig } from './results-config.ts'
import { createS3Store } from './s3-store.ts'

/** All places results go to, as one. */
export interface ResultStores extends Omit<ResultStore, 'put'> {
  /** One a target, in the order of the configuration; a file goes to each. */
  readonly targets: readonly { backend: ResultBackend; store: ResultStore }[]
  /** Ends what is open to the backends. */
  close(): void
}

/**
 * Opens the stores of a configuration. Reading goes to the backend that an address names; removing goes to all, and fails
 * with `NotFound` where an address of the job names one that is not configured: what lies there stays.
 * @param deps.keys keys of encrypted objects; without them IPFS can be cleaned, not written or read
 */
export function createResultStores(config: ResultsConfig, deps: { keys?: ObjectKeys | undefined } = {}): ResultStores {
  const targets = config.targets.map((target) => ({ backend: target.backend, store: createStore(target, deps) }))
  const storeOf = (url: string): ResultStore => {
    const { backend } = parseResultAddress(url)
    const found = targets.find((target) => target.backend === backend)
    if (!found) throw resultNotFound()
    return found.store
  }
  const isNamed = (backend: ResultBackend): boolean => targets.some((target) => target.backend === backend)
  return {
    targets,
    stat: async (url) => storeOf(url).stat(url),
    open: async (url, range) => storeOf(url).open(url, range),
    discard: async (url) => storeOf(url).discard(url),
    async remove(jobId, urls) {
      const removals = await Promise.allSettled(targets.map(({ store }) => store.remove(jobId, urls)))
      for (const removal of removals) if (removal.status === 'rejected') throw removal.reason
      const [lost] = [...new Set(urls.flatMap((url) => backendOf(url, jobId)))].filter((one) => !isNamed(one))
      if (!lost) return
      // Said to be removed they would stay for ever.
      const detail = `Some results lie in ${lost}, which is not configured (any more).`
      throw new AppError('NotFound', { detail })
    },
    close() {
      for (const { store } of targets) store.close?.()
    },
  }
}

/** Where an address of the job leads; nowhere for one that is none of ours, or of another job. */
function backendOf(url: string, jobId: string): ResultBackend[] {
  return isAddressOfJob(url, jobId) ? [parseResultAddress(url).backend] : []
}

function createStore(
  target: ResultsConfig['targets'][number],
  deps: { keys?: ObjectKeys | undefined },
): ResultStore & { close?(): void } {
  switch (target.backend) {
    case 'filesystem':
      return createFilesystemStore(target)
    case 's3':
      return createS3Store(target)
    case 'ipfs':
      return createIpfsStore(target, deps)
  }
}
