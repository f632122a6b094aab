import { signMessage } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import { feeOf, nextNonce, query } from './api.ts'
import type { PublishedAsset } from './publish-asset.ts'
import type { Stack } from './stack.ts'

/** An access service with one file, and the order that its consumer paid. */
export interface OrderedAccess {
  asset: PublishedAsset
  transferTxId: string
}

/** Publishes an access service with one file and orders it. */
export async function orderAccess(stack: Stack, file: unknown): Promise<OrderedAccess> {
  const asset = await stack.publish({ serviceType: 'access', files: [file] })
  const quoted = await query(stack, 'GET', '/api/services/initialize', {
    documentId: asset.did,
    serviceId: asset.serviceId,
    consumerAddress: stack.consumer.address,
  })
  const fee = feeOf(quoted.json as Quote)
  const transferTxId = await stack.consumer.startOrder(asset.datatoken, { consumer: stack.consumer.address, fee })
  return { asset, transferTxId }
}

/** The parameters of its download, signed by its consumer; `changes` replace members after signing. */
export function signedDownload(
  stack: Stack,
  { asset, transferTxId }: OrderedAccess,
  changes: Record<string, string> = {},
): Record<string, string> {
  const nonce = nextNonce()
  return {
    fileIndex: '0',
    documentId: asset.did,
    transferTxId,
    serviceId: asset.serviceId,
    consumerAddress: stack.consumer.address,
    nonce,
    signature: signMessage(asset.did + nonce, stack.consumer.key),
    ...changes,
  }
}
