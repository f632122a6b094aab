import { sendJson, startHttpStub, type HttpStub } from './http-stub.ts'

/** A metadata cache with the documents it was given. */
export interface MetadataCacheStub extends HttpStub {
  put(did: string, document: unknown): void
  remove(did: string): void
}

/** Starts a cache that knows nothing. */
export async function startMetadataCacheStub(): Promise<MetadataCacheStub> {
  const documents = new Map<string, unknown>()
  const stub = await startHttpStub((request, response) => {
    const document = documents.get(decodeURIComponent(request.path).replace('/api/aquarius/assets/ddo/', ''))
    if (document === undefined) sendJson(response, 404, { error: 'Asset DID not found' })
    else sendJson(response, 200, document)
  })
  return {
    ...stub,
    put: (did, document) => {
      documents.set(did, document)
    },
    remove: (did) => {
      documents.delete(did)
    },
  }
}
