import type { Ddo, FileInfo, StepDownloads } from '@c2d/contracts'
import type { GuardedRequest } from '@c2d/http-kit'
import type { WrittenFile } from '@c2d/storage'
import type { ProviderClient, RemoteService } from '../provider-client.ts'
import type { FileOrigin } from '../staging/origin.ts'
import { createUrlOrigin } from '../url-origin.ts'
import type { AssetPlan } from './plan-asset.ts'

/** The files of one asset, each ready to be fetched. */
export interface OpenAsset {
  /** Null for plain addresses. */
  serviceId: string | null
  count: number
  /** Whether its files must not be fetched together with those of other such assets: their nonces are in one order. */
  isInTurn: boolean
  origin(index: number): Promise<FileOrigin>
  /** Throws when a file is not what its provider says it is. */
  accept(index: number, file: WrittenFile): void
}

export interface OpenAssetDeps {
  downloads: StepDownloads
  provider: ProviderClient
  request: GuardedRequest
}

/**
 * Finds out where the files of an asset come from: plain addresses when the workflow has the key `url`, else the
 * asset's provider (pods-behaviour §1.5, step 2).
 * @throws Error with a sentence that names no address
 */
export async function openAsset(plan: AssetPlan, ddo: Ddo | null, deps: OpenAssetDeps): Promise<OpenAsset> {
  return 'url' in plan.asset ? openUrls(plan.asset.url, deps) : openService(plan, ddo, deps)
}

function openUrls(url: string | string[] | null | undefined, deps: OpenAssetDeps): OpenAsset {
  const urls = url == null ? [] : Array.isArray(url) ? url : [url]
  if (urls.length === 0) throw new Error('the workflow names no address')
  return {
    serviceId: null,
    count: urls.length,
    isInTurn: false,
    origin: (index) => Promise.resolve(createUrlOrigin(urls[index] ?? '', deps)),
    accept: () => undefined,
  }
}

async function openService(plan: AssetPlan, ddo: Ddo | null, deps: OpenAssetDeps): Promise<OpenAsset> {
  const remote = plan.asset.remote
  if (!remote) throw new Error('the workflow has neither an address nor an order for it')
  const providerUrl = ddo?.services.find((service) => service.id === remote.serviceId)?.serviceEndpoint
  // Signed requests go where the checked document said, whatever a metadata cache says: anybody can use them elsewhere.
  const endpoint = remote.foreignFiles === undefined ? (providerUrl ?? remote.serviceEndpoint) : remote.serviceEndpoint
  if (!endpoint) throw new Error(ddo ? 'its DDO has no such service' : 'its DDO could not be fetched')
  const access = accessTo({ did: plan.did, serviceId: remote.serviceId, txId: remote.txId }, endpoint, deps)
  const service: RemoteService = {
    providerUrl: endpoint,
    did: plan.did,
    serviceId: remote.serviceId,
    txId: remote.txId,
    consumerAddress: deps.downloads.consumerAddress,
    access,
    userdata: remote.algouserdata || (remote.userdata ?? remote.userData),
  }
  const files = await deps.provider.listFiles(service)
  if (files.length === 0) throw new Error('the provider lists no file for it')
  return {
    serviceId: remote.serviceId,
    count: files.length,
    isInTurn: 'signed' in access,
    origin: (index) => deps.provider.open(service, index),
    accept: (index, file) => assertDeclared(plan, { index, file, info: files[index] }),
  }
}

/** The token for a service, or what was signed in advance for a provider that takes none (DESIGN §4.6). */
function accessTo(
  service: { did: string; serviceId: string; txId: string },
  endpoint: string,
  { downloads, provider }: OpenAssetDeps,
): RemoteService['access'] {
  const isFor = (one: typeof service): boolean =>
    one.did === service.did && one.serviceId === service.serviceId && one.txId === service.txId
  const grant = downloads.tokens.find(isFor)
  if (grant) return { token: grant.token }
  const foreign = downloads.signed.find(isFor)
  if (foreign) return { signed: provider.signedRequests(endpoint, foreign.requests) }
  throw new Error('there is no download token for it')
}

/** A provider that tells the checksum of a file holds itself to it. */
function assertDeclared(
  plan: AssetPlan,
  { index, file, info }: { index: number; file: WrittenFile; info: FileInfo | undefined },
): void {
  if (info?.checksum === undefined || info.checksumType?.toLowerCase() !== 'sha256') return
  if (info.checksum.toLowerCase().replace(/^0x/, '') !== file.sha256) {
    plan.refuse(`${plan.title} has another file ${index} than the one whose checksum its provider tells.`)
  }
}
