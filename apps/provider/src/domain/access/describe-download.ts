import type { ProofOfDownload } from '../../clients/proof-of-download.ts'

/** A download that has ended, well or not. */
export interface EndedDownload {
  documentId: string
  serviceId: string
  fileIndex: number
  transferTxId: string
  consumerAddress: string
  nonce: string
  /** Undefined where an auth token stood in for it. */
  signature: string | undefined
  /** Where the service's datatoken lives. */
  place: { chainId: number; datatokenAddress: string }
  /** What went out: of a range, its part; of a download that broke off, less than the file. */
  bytes: number
}

/** What is kept of a download, in the reference's form, but with its true length (provider-http-api §9.4, W45). */
export function describeDownload(download: EndedDownload): ProofOfDownload {
  const { documentId, serviceId, fileIndex, nonce, place, bytes } = download
  return {
    ...place,
    orderTxId: download.transferTxId,
    file: `${serviceId} ${fileIndex}`,
    providerData: JSON.stringify({ documentId, serviceId, fileIndex, downloadedBytes: bytes }),
    consumerData: documentId + nonce,
    consumerSignature: download.signature,
    consumerAddress: download.consumerAddress,
  }
}
