import type { DownloadGrant } from './download-token.ts'

/**
 * What is signed, in which order, for each message. Every message is concatenated text; the digest is
 * `personal_sign` over the 32 raw bytes of `keccak256(utf8(message))` (provider-http-api §2.1, ocean-js-client §3).
 * Values are rendered exactly as received: addresses in the casing sent, nonces as their literal text.
 */

/** `GET /download`: DID, then nonce. */
export function downloadMessage(m: { documentId: string; nonce: string }): string {
  return m.documentId + m.nonce
}

/** `POST /decrypt`. */
export function decryptMessage(m: {
  transactionId?: string | undefined
  dataNftAddress: string
  decrypterAddress: string
  chainId: string
  nonce: string
}): string {
  return (m.transactionId || m.dataNftAddress) + m.decrypterAddress + m.chainId + m.nonce
}

/** `POST /compute`: consumer, main dataset, nonce. */
export function computeStartMessage(m: { consumerAddress: string; documentId: string; nonce: string }): string {
  return m.consumerAddress + m.documentId + m.nonce
}

/** `PUT` and `DELETE /compute`, and a signed status: consumer, job, DID, nonce; absent parts are empty. */
export function computeJobMessage(m: {
  consumerAddress: string
  jobId?: string | undefined
  documentId?: string | undefined
  nonce: string
}): string {
  return m.consumerAddress + (m.jobId ?? '') + (m.documentId ?? '') + m.nonce
}

/** What ocean.js ≥ 3.3.3 signs to stop a job: no nonce, no DID; replayable but idempotent (ocean-js-client §12). */
export function oceanJsStopMessage(m: { consumerAddress: string; jobId: string }): string {
  return m.consumerAddress + m.jobId
}

/** `GET /computeResult`. */
export function computeResultMessage(m: {
  consumerAddress: string
  jobId: string
  index: string
  nonce: string
}): string {
  return m.consumerAddress + m.jobId + m.index + m.nonce
}

/** Provider to operator-service, as provider-py 2.1.6 really signs it: owner, job when named, nonce (operator-service-api §6.2). */
export function operatorMessage(m: { owner: string; jobId?: string | undefined; nonce: string }): string {
  return m.owner + (m.jobId ?? '') + m.nonce
}

/** A job download token: domain-separated, one labelled line per member, so nothing can be shifted between them. */
export function downloadGrantMessage(grant: DownloadGrant): string {
  return [
    'c2d download grant v1',
    `job ${grant.jobId}`,
    `environment ${grant.environment}`,
    `consumer ${grant.consumerAddress.toLowerCase()}`,
    `order ${grant.transferTxId.toLowerCase()}`,
    `asset ${grant.did}`,
    `service ${JSON.stringify(grant.serviceId)}`,
    `expires ${grant.expiresAt}`,
  ].join('\n')
}

/** The text whose SHA-256 is a container section's checksum (provider-http-api §6.3). */
export function containerChecksumText(container: { entrypoint: string; checksum: string }): string {
  return container.entrypoint + container.checksum
}
