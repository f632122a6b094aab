import { signMessage } from '@c2d/chain'
import {
  downloadGrantMessage,
  downloadGrantSchema,
  formatDownloadToken,
  type DownloadGrant,
  type StepDownloads,
  type StoredWorkflow,
} from '@c2d/contracts'
import type { EnvironmentConfig } from '../config.ts'
import { signRequests } from './signed-requests.ts'

/**
 * Signs what the configure step of a job may download (DESIGN §4.6): for each dataset and for the algorithm one token,
 * valid for that job, order and service until `expiresAt`; for what another provider serves, requests signed in advance.
 * The environment's key stays here.
 * @param time.expiresAt epoch seconds
 * @param time.nowMs from which on nonces count
 */
export function buildDownloads(
  jobId: string,
  workflow: StoredWorkflow,
  environment: Pick<EnvironmentConfig, 'id' | 'consumerAddress' | 'privateKey'>,
  { expiresAt, nowMs }: { expiresAt: number; nowMs: number },
): StepDownloads {
  const stage = workflow.spec.metadata.stages[0]
  const assets = stage ? [...stage.input, stage.algorithm] : []
  const grants = assets.flatMap(({ id, remote }) => {
    if (!remote || !id) return []
    const grant = downloadGrantSchema.safeParse({
      jobId,
      environment: environment.id,
      consumerAddress: environment.consumerAddress,
      transferTxId: remote.txId,
      did: id,
      serviceId: remote.serviceId,
      expiresAt,
    })
    return grant.success ? [{ grant: grant.data, foreignFiles: remote.foreignFiles }] : [] // the pod then misses it
  })
  const privateKey = environment.privateKey.reveal()
  const tokens = grants.flatMap(({ grant, foreignFiles }) => {
    if (foreignFiles !== undefined) return [] // nobody else is to have a token of ours
    const signature = signMessage(downloadGrantMessage(grant), privateKey)
    return [{ ...namesOf(grant), token: formatDownloadToken(grant, signature) }]
  })
  const foreign = grants.flatMap(({ grant, foreignFiles: files }) => (files === undefined ? [] : [{ grant, files }]))
  const services = foreign.map(({ grant, files }) => ({ did: grant.did, files }))
  const requests = signRequests(services, privateKey, nowMs)
  const signed = foreign.map(({ grant }, index) => ({ ...namesOf(grant), requests: requests[index] ?? [] }))
  return { consumerAddress: environment.consumerAddress, tokens, signed }
}

function namesOf({ did, serviceId, transferTxId }: DownloadGrant): { did: string; serviceId: string; txId: string } {
  return { did, serviceId, txId: transferTxId }
}
