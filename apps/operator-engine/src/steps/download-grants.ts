import { signMessage } from '@c2d/chain'
import {
  downloadGrantMessage,
  downloadGrantSchema,
  formatDownloadToken,
  type StepDownloads,
  type StoredWorkflow,
} from '@c2d/contracts'
import type { EnvironmentConfig } from '../config.ts'

/**
 * Signs what the configure step of a job may download: one token for each dataset and for the algorithm, valid for
 * that job, order and service until `expiresAt` (DESIGN §4.6). The environment's key stays here.
 * @param expiresAt epoch seconds
 */
export function buildDownloads(
  jobId: string,
  workflow: StoredWorkflow,
  environment: EnvironmentConfig,
  expiresAt: number,
): StepDownloads {
  const stage = workflow.spec.metadata.stages[0]
  const assets = stage ? [...stage.input, stage.algorithm] : []
  const tokens = assets.flatMap((asset) => {
    if (!asset.remote || !asset.id) return []
    const grant = downloadGrantSchema.safeParse({
      jobId,
      environment: environment.id,
      consumerAddress: environment.consumerAddress,
      transferTxId: asset.remote.txId,
      did: asset.id,
      serviceId: asset.remote.serviceId,
      expiresAt,
    })
    if (!grant.success) return [] // the pod then says that there is no token for it
    const signature = signMessage(downloadGrantMessage(grant.data), environment.privateKey.reveal())
    const { did, serviceId, transferTxId } = grant.data
    return [{ did, serviceId, txId: transferTxId, token: formatDownloadToken(grant.data, signature) }]
  })
  return { consumerAddress: environment.consumerAddress, tokens }
}
