import { signMessage } from '@c2d/chain'
import { downloadMessage, type SignedRequest } from '@c2d/contracts'

/**
 * When each round of nonces begins, in milliseconds from now. All jobs of an environment share one address, and a provider
 * takes no nonce below the last one it saw: who is overtaken goes on with a later round.
 */
const ROUNDS_MS = [0, 2_000, 10_000, 60_000, 300_000]

/** Of one job; some 150 bytes each, in a Secret that holds one MiB. */
const MAX_REQUESTS = 2_000

/** Requests of a round beyond one for each file: for what is cut or refused for now. */
const SPARES = 3

/**
 * Signs downloads of services of other providers in advance (DESIGN §4.6): for each service one request a file and a few
 * spares, in rounds. A signature covers DID and nonce and nothing else (provider-http-api §2.3), so any of a service's
 * requests fetches any of its files.
 * @param nowMs nonces are milliseconds since the epoch, as the reference's pods have them
 * @returns the requests of each service, in the order of their nonces
 */
export function signRequests(
  services: readonly { did: string; files: number }[],
  privateKey: string,
  nowMs: number,
): SignedRequest[][] {
  const perRound = services.reduce((sum, { files }) => sum + files + SPARES, 0)
  const rounds = ROUNDS_MS.slice(0, Math.max(1, Math.floor(MAX_REQUESTS / perRound)))
  const signed = services.map((): SignedRequest[] => [])
  for (const roundMs of rounds) {
    let next = nowMs + roundMs
    for (const [index, { did, files }] of services.entries()) {
      for (let left = files + SPARES; left > 0; left -= 1, next += 1) {
        const nonce = String(next)
        signed[index]?.push({ nonce, signature: signMessage(downloadMessage({ documentId: did, nonce }), privateKey) })
      }
    }
  }
  return signed
}
