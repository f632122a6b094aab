import { signMessage } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import { openOriginFetch } from '../../../src/clients/origin-fetch.ts'
import { feeOf, nextNonce, query, type Answer } from './api.ts'
import { startHttpStub } from './http-stub.ts'
import type { AssetChoices, PublishedAsset } from './publish-asset.ts'
import { startStack, type Stack } from './stack.ts'

/** A stack like the one the reference's own tests have: gateways, and an origin that has every file but some. */
export interface ReferenceHouse {
  stack: Stack
  originUrl: string
  /** A file of the origin; `/gone` is not there. */
  url(path: string): { type: string; url: string; method: string }
  /** Publishes an access to one file, unless said. */
  publish(choices?: Partial<AssetChoices>): Promise<PublishedAsset>
  initialize(asset: PublishedAsset, more?: Record<string, string>): Promise<Answer>
  /** Orders an access for its consumer. */
  order(asset: PublishedAsset): Promise<string>
  download(asset: PublishedAsset, tx: string, more?: Record<string, string>): Promise<Answer>
  close(): Promise<void>
}

/** Starts one. */
export async function openReferenceHouse(): Promise<ReferenceHouse> {
  const origin = await startHttpStub(({ path, body }, response) => {
    if (path === '/graphql') response.setHeader('Content-Type', 'application/json').end(`{"data":{"asked":${body}}}`)
    else if (path === '/gone' || path.includes('b4qJ')) response.writeHead(404).end()
    else response.setHeader('Content-Type', 'text/plain').end(`content of ${path}`)
  })
  const fetch = openOriginFetch({ allowList: [origin.host], timeoutMs: 5_000 })
  const stack = await startStack({ gateways: { ipfs: origin.url, arweave: origin.url } }, { fetch })
  const url = (path: string) => ({ type: 'url', url: origin.url + path, method: 'GET' })
  const consumerAddress = stack.consumer.address
  const initialize: ReferenceHouse['initialize'] = ({ did: documentId, serviceId }, more = {}) =>
    query(stack, 'GET', '/api/services/initialize', { documentId, serviceId, consumerAddress, ...more })
  return {
    stack,
    originUrl: origin.url,
    url,
    publish: (choices = {}) => stack.publish({ serviceType: 'access', files: [url('/data.txt')], ...choices }),
    initialize,
    async order(asset) {
      const fee = feeOf((await initialize(asset)).json as Quote)
      return stack.consumer.startOrder(asset.datatoken, { consumer: consumerAddress, fee })
    },
    download({ did: documentId, serviceId }, transferTxId, more = {}) {
      const nonce = nextNonce()
      const signature = signMessage(documentId + nonce, stack.consumer.key)
      const named = { documentId, serviceId, consumerAddress, transferTxId, fileIndex: '0' }
      return query(stack, 'GET', '/api/services/download', { ...named, nonce, signature, ...more })
    },
    async close() {
      await stack.close()
      await origin.close()
    },
  }
}
