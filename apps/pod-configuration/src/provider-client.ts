import type { Readable } from 'node:stream'
import { DOWNLOAD_TOKEN_HEADER, fileInfoListSchema, providerRootSchema, type ProviderRoot } from '@c2d/contracts'
import type { GuardedFetch } from '@c2d/http-kit'
import { openSource } from '@c2d/storage'

/** One service of an asset, at its provider, as the order that pays for it sees it. */
export interface RemoteService {
  providerUrl: string
  did: string
  serviceId: string
  txId: string
  consumerAddress: string
  token: string
  userdata: unknown
}

/** What the configure step asks of a provider (pods-behaviour §1.5, step 3). */
export interface ProviderClient {
  /** How many files the service has. */
  countFiles(service: RemoteService): Promise<number>
  /** Opens one file. */
  download(service: RemoteService, fileIndex: number): Promise<Readable>
}

/** A refusal of the provider, in the provider's own words (they hold no address). */
export class ProviderRefusal extends Error {
  override name = 'ProviderRefusal'
}

/** Discovery is asked once a provider, not once a file. */
export function createProviderClient(deps: { fetch: GuardedFetch }): ProviderClient {
  const roots = new Map<string, Promise<ProviderRoot>>()

  async function endpoint(providerUrl: string, name: string): Promise<{ method: string; url: string }> {
    let root = roots.get(providerUrl)
    if (!root) {
      root = loadRoot(deps.fetch, providerUrl)
      roots.set(providerUrl, root)
    }
    const found = (await root).serviceEndpoints[name]
    if (!found) throw new ProviderRefusal(`the provider serves no ${name}`)
    return { method: found[0], url: `${providerUrl.replace(/\/+$/, '')}/${found[1].replace(/^\/+/, '')}` }
  }

  return {
    async countFiles(service) {
      const { method, url } = await endpoint(service.providerUrl, 'fileinfo')
      const response = await deps.fetch(url, {
        method,
        // With the token the provider answers from the document: it need not ask every origin for a count.
        headers: { 'Content-Type': 'application/json', [DOWNLOAD_TOKEN_HEADER]: service.token },
        body: JSON.stringify({ did: service.did, serviceId: service.serviceId, userdata: service.userdata }),
      })
      const body: unknown = await response.json()
      if (response.status !== 200) throw new ProviderRefusal(`fileinfo: ${refusalText(body, response.status)}`)
      return fileInfoListSchema.parse(body).length
    },
    async download(service, fileIndex) {
      const { url } = await endpoint(service.providerUrl, 'download')
      const query = new URLSearchParams({
        fileIndex: String(fileIndex),
        documentId: service.did,
        transferTxId: service.txId,
        serviceId: service.serviceId,
        consumerAddress: service.consumerAddress,
      })
      if (service.userdata != null) query.set('userdata', JSON.stringify(service.userdata))
      const source = await openSource(
        { type: 'url', url: `${url}?${query.toString()}`, headers: { [DOWNLOAD_TOKEN_HEADER]: service.token } },
        { fetch: deps.fetch },
      )
      if (source.status !== 200) {
        const text = Buffer.concat(await source.body.toArray()).toString('utf8')
        throw new ProviderRefusal(`download: ${refusalText(parsedOrNull(text), source.status)}`)
      }
      return source.body
    },
  }
}

async function loadRoot(fetch: GuardedFetch, providerUrl: string): Promise<ProviderRoot> {
  const response = await fetch(providerUrl)
  return providerRootSchema.parse(await response.json())
}

function refusalText(body: unknown, status: number): string {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined
  return typeof error === 'string' ? error : error === undefined ? `status ${status}` : JSON.stringify(error)
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}
