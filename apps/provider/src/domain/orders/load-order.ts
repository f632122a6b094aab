import { transactionHashSchema } from '@c2d/contracts'
import type { AssetService } from '../assets/resolve-asset.ts'
import { evaluateOrder, type InvalidOrder, type OrderEvidence, type ValidOrder } from './validate-order.ts'

/** What a caller of the loader decides; the rest follows from the service. */
export interface OrderQuestion {
  transferTxId: string
  /** Whom the order must have been made by or for. */
  sender: string
  environment?: string | undefined
  /** Whose fee must be in it; ours, where nobody is named. */
  providerAddress?: string | undefined
  allowsExpiredFee: boolean
  /** Milliseconds to wait for a transaction that is not on chain yet. */
  timeoutMs: number
  /** Epoch seconds at which the order must have been good. */
  now: number
}

/** Reads an order from the chain and judges it. */
export async function loadOrder(target: AssetService, question: OrderQuestion): Promise<ValidOrder | InvalidOrder> {
  if (!transactionHashSchema.safeParse(question.transferTxId).success) {
    return { isValid: false, problem: 'not-on-chain', reason: 'Non-hexadecimal digit found', isOwn: false }
  }
  const { asset, service, serviceIndex } = target
  const evidence = await loadEvidence(target, question)
  return evaluateOrder(
    evidence,
    {
      transactionHash: question.transferTxId,
      sender: question.sender,
      datatoken: service.datatokenAddress,
      serviceId: service.id,
      serviceIndex,
      serviceTimeoutSeconds: service.timeout,
      environment: question.environment,
      providerAddress: question.providerAddress ?? asset.chain.address,
      factoryAddress: asset.chain.factoryAddress,
      allowsExpiredFee: question.allowsExpiredFee,
      waitedSeconds: Math.round(question.timeoutMs / 1000),
    },
    question.now,
  )
}

async function loadEvidence({ asset, service }: AssetService, question: OrderQuestion): Promise<OrderEvidence> {
  const { client } = asset.chain
  const datatoken = service.datatokenAddress
  const { timeoutMs } = question
  const [isDatatokenOfAsset, named] = await Promise.all([
    client.isDatatokenOf(asset.ddo.nftAddress, datatoken),
    client.loadOrder(question.transferTxId, datatoken, { timeoutMs }),
  ])
  const reuse = named?.reuses[0]
  // One hop only: an OrderReused names the transaction of the original OrderStarted (provider-http-api §4.3).
  const origin = reuse ? await client.loadOrder(reuse.orderTxId, datatoken, { timeoutMs: 0 }) : named
  return { isDatatokenOfAsset, named, origin }
}
