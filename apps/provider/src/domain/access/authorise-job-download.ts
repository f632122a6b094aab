import type { recoverSigner } from '@c2d/chain'
import {
  didSuffix,
  downloadGrantMessage,
  isSameAddress,
  JOB_STATUS,
  parseDownloadToken,
  type DownloadGrant,
} from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { OperatorService } from '../../clients/operator-service.ts'

/** What a download with a token asks for. */
export interface TokenDownload {
  token: string
  documentId: string
  serviceId: string
  /** The order, where the request names it; a question for the number of files does not. */
  transferTxId?: string
  consumerAddress?: string
  /** Where the asset lives: its operator's environments are asked for. */
  chainId: number
}

/** When and for whom the download was accepted, as a part of a job. */
export interface AcceptedJob {
  /** Epoch seconds at which the job was accepted: its orders must have been good then, not when staging comes to them. */
  acceptedAt: number
  /** Whom the asset's credentials lists are asked about: who ordered the job, not its environment. */
  owner: string
}

/**
 * Lets the configure step of a running job fetch one service's files (DESIGN §4.6): the environment's own key granted
 * exactly this, the grant has not expired, and the job is that environment's, uses this asset, and is still staging.
 * @param now epoch seconds
 * @throws AppError `InvalidSignature` for a grant that does not hold; `NotAllowed` for one that no longer does
 */
export async function authoriseJobDownload(
  request: TokenDownload,
  now: number,
  deps: { operator: OperatorService; recover: typeof recoverSigner },
): Promise<AcceptedJob> {
  const parsed = parseDownloadToken(request.token)
  if (!parsed) throw refused('The download token cannot be read.')
  const { grant, signature } = parsed
  if (!isGrantFor(grant, request)) throw refused('The download token is not for these files.')

  const environments = await deps.operator.environments(request.chainId)
  const environment = environments.find(({ id }) => id === grant.environment)
  const signer = deps.recover(downloadGrantMessage(grant), signature)
  const isSigned =
    environment !== undefined &&
    signer !== null &&
    isSameAddress(environment.consumerAddress, grant.consumerAddress) &&
    isSameAddress(environment.consumerAddress, signer)
  if (!isSigned) throw refused('The download token is not signed by its environment.')
  if (now >= grant.expiresAt) throw ended('The download token has expired.')

  const job = await deps.operator.findJob(grant.jobId)
  const dids = job ? [...job.inputDID, job.algoDID].map(didSuffix) : []
  if (!job || !dids.includes(didSuffix(grant.did))) throw ended('There is no such job that uses these files.')
  if (job.status !== JOB_STATUS.configuring.code || job.dateFinished !== null) {
    throw ended('The job is not fetching its inputs.')
  }
  return { acceptedAt: Number(job.dateCreated) || now, owner: job.owner }
}

function isGrantFor(grant: DownloadGrant, request: TokenDownload): boolean {
  return (
    grant.did === request.documentId &&
    grant.serviceId === request.serviceId &&
    isSameOrAbsent(grant.transferTxId, request.transferTxId) &&
    isSameOrAbsent(grant.consumerAddress, request.consumerAddress)
  )
}

function isSameOrAbsent(granted: string, asked: string | undefined): boolean {
  return asked === undefined || granted.toLowerCase() === asked.toLowerCase()
}

function refused(detail: string): AppError {
  return new AppError('InvalidSignature', { detail })
}

function ended(detail: string): AppError {
  return new AppError('NotAllowed', { detail })
}
