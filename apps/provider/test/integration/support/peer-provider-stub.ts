import { addressOf, buildProviderFee, sha256Hex } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import { devWallet } from '@c2d/dev-servers'
import { sendJson, startHttpStub, type HttpStub } from './http-stub.ts'

/** The key of another provider: its files are encrypted to it, its fees are signed with it. */
export const PEER_KEY = devWallet(6).privateKey

/** Another provider, as far as ours asks it. */
export interface PeerProviderStub extends HttpStub {
  /** What its services hold, by DID: one file each, or a list. */
  files: Map<string, string | string[]>
  /** The datatokens it quotes, by DID. */
  datatokens: Map<string, string>
  feeToken: string
  /** Whose key signs its fees; its own, unless it cheats. */
  signsWith: string
}

/** Starts a provider without services. */
export async function startPeerProvider(): Promise<PeerProviderStub> {
  const stub = await startHttpStub((request, response) => {
    const did = request.query.get('documentId') ?? ''
    if (request.path === '/') {
      sendJson(response, 200, { providerAddresses: { 8996: addressOf(PEER_KEY) }, serviceEndpoints: {} })
    } else if (request.path === '/api/services/fileinfo') {
      const body = JSON.parse(request.body) as { did: string }
      const content = peer.files.get(body.did)
      if (content === undefined) sendJson(response, 400, { error: 'Cannot resolve DID' })
      else {
        const info = { type: 'url', valid: true, checksumType: 'sha256' }
        const answer = [content].flat().map((one, index) => ({ index, ...info, checksum: sha256Hex(one) }))
        sendJson(response, 200, answer)
      }
    } else if (request.path === '/api/services/initialize' && peer.datatokens.has(did)) {
      sendJson(response, 200, quoteOf(did, request.query.get('serviceId') ?? ''))
    } else sendJson(response, 400, { error: 'Cannot resolve DID' })
  })
  const peer: PeerProviderStub = {
    ...stub,
    files: new Map(),
    datatokens: new Map(),
    feeToken: '',
    signsWith: PEER_KEY,
  }
  return peer

  function quoteOf(did: string, id: string): Quote {
    const datatoken = peer.datatokens.get(did) ?? ''
    const providerData = { environment: null, timestamp: Date.now() / 1000, dt: datatoken, id }
    const terms = { providerData, feeToken: peer.feeToken, amountWei: 0n, validUntil: 0 }
    return { datatoken, providerFee: buildProviderFee(terms, peer.signsWith) }
  }
}
