import { isSameAddress } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { PeerProvider, PeerProviders } from '../../clients/peer-providers.ts'
import type { AssetService } from './resolve-asset.ts'
import { decryptServiceFiles } from './service-files.ts'
import { createShortMemory } from '../sharing/short-memory.ts'

/** Who hands out the files of a service. */
export type ServiceHost =
  /** We; readable unless the files were encrypted to somebody else. */
  | { readonly kind: 'us'; readonly canRead: boolean }
  | { readonly kind: 'peer'; readonly peer: PeerProvider; readonly address: string }
  /** Nobody who answers; the sentence says what was tried. */
  | { readonly kind: 'nobody'; readonly sentence: string }

/** Finds out who hands out the files of a service. */
export type FindHost = (target: AssetService) => Promise<ServiceHost>

/**
 * What we can decrypt is ours, whatever its endpoint says: that is proof, and costs no request. Else our own public
 * addresses are known, and other endpoints are asked who they are (provider-http-api §5.4).
 * @param options.publicUrls under which addresses clients reach this provider
 * @param options.memoryMs how long an answer about an endpoint holds
 */
export function createHostFinder(
  options: { publicUrls: readonly string[]; memoryMs: number },
  deps: { peers: PeerProviders },
): FindHost {
  const own = new Set(options.publicUrls.map(originOf))
  const known = createShortMemory<PeerProvider>({ ttlMs: options.memoryMs, maxEntries: 1_000 })

  return async function findHost(target) {
    const { asset, service } = target
    // A compute service is ours or it is nobody's: its files never travel between providers.
    const canRead = decryptServiceFiles(target) !== null
    const us: ServiceHost = { kind: 'us', canRead }
    if (service.type === 'compute' || canRead) return us
    const endpoint = service.serviceEndpoint
    if (own.has(originOf(endpoint))) return us
    try {
      const peer = await known.get(endpoint, () => deps.peers.find(endpoint))
      const address = peer.addressOn(asset.chain.chainId)
      if (address === null) return nobody(`The provider of this service does not serve chain ${asset.chain.chainId}.`)
      return isSameAddress(address, asset.chain.address) ? us : { kind: 'peer', peer, address }
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code === 'FilesUnavailable') return nobody(thrown.detail)
      throw thrown
    }
  }
}

function nobody(sentence: string): ServiceHost {
  return { kind: 'nobody', sentence }
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url
}
