import { toError, type Logger } from '@c2d/runtime'
import { readText, requestUpstream } from './upstream-request.ts'

/** A cache of published documents with the Aquarius API. What it says proves nothing (DESIGN §4.4). */
export interface MetadataCache {
  /**
   * @param did a well-formed DID: it becomes part of a path
   * @returns the document as the cache has it, or null when it has none or does not answer: the chain knows it too
   */
  loadDocument(did: string): Promise<string | null>
}

const DOCUMENT_LIMIT_BYTES = 8 * 1024 * 1024

/** @param options.url base address of the cache */
export function createMetadataCache(options: { url: string; timeoutMs: number }, deps: { log: Logger }): MetadataCache {
  const base = options.url.replace(/\/+$/, '')
  return {
    async loadDocument(did) {
      try {
        const response = await requestUpstream(new URL(`${base}/api/aquarius/assets/ddo/${did}`), {
          method: 'GET',
          headers: { Accept: 'application/json' },
          timeoutMs: options.timeoutMs,
          signal: AbortSignal.timeout(options.timeoutMs),
        })
        const text = await readText(response, DOCUMENT_LIMIT_BYTES)
        return response.status === 200 ? text : null
      } catch (thrown) {
        deps.log.warn({ did, err: toError(thrown) }, 'the metadata cache does not answer')
        return null
      }
    },
  }
}
