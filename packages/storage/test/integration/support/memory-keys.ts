import type { ObjectKeys } from '@c2d/storage'

/** Keys of objects, kept for as long as the test lives. */
export function createMemoryKeys(): Required<ObjectKeys> {
  const keys = new Map<string, Buffer>()
  return {
    keep({ jobId, object, key }) {
      keys.set(`${jobId}/${object}`, key)
      return Promise.resolve()
    },
    load: (jobId, object) => Promise.resolve(keys.get(`${jobId}/${object}`) ?? null),
  }
}
