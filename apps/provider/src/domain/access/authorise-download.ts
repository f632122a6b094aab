import type { recoverSigner } from '@c2d/chain'
import { isSameAddress, type FileObject } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { OperatorService } from '../../clients/operator-service.ts'
import { authoriseJobDownload, type AcceptedJob, type TokenDownload } from './authorise-job-download.ts'
import { whyNotConsumable } from '../assets/consumable.ts'
import { loadOrder } from '../orders/load-order.ts'
import { fillForAccess } from './fill-for-access.ts'
import { networkText } from '../chains/network-name.ts'
import { findService, type AssetService, type ResolveAsset } from '../assets/resolve-asset.ts'
import { decryptServiceFiles, parseFileObject } from '../assets/service-files.ts'
import { createShortMemory } from '../sharing/short-memory.ts'

/** A download whose signature has been checked, or which brings a job download token instead. */
interface DownloadRequest {
  documentId: string
  serviceId: string
  transferTxId: string
  consumerAddress: string
  fileIndex: number
  /** The consumer's parameters, as sent. */
  userdata: unknown
  /** The token as sent; undefined where the consumer signed. */
  token: string | undefined
}

/** A file that may be handed out, and the parameters it is asked for with. */
interface GrantedFile {
  file: FileObject
  /** The consumer's parameters, defaults filled in. */
  userdata: unknown
  network: string
  /** The datatoken that was ordered. */
  place: { chainId: number; datatokenAddress: string }
}

/** Decides which file a request may have. */
export type AuthoriseDownload = (request: DownloadRequest) => Promise<GrantedFile>

/** The decrypted file list of a service that a request may read. Never logged. */
interface GrantedFiles {
  files: unknown[]
  network: string
  /** The consumer's parameters, defaults filled in; null where they go on as they were sent. */
  userdata: { filled: unknown } | null
  place: GrantedFile['place']
}

interface DownloadDeps {
  resolveAsset: ResolveAsset
  operator: OperatorService | null
  recover: typeof recoverSigner
  /** Epoch seconds. */
  now: () => number
}

/**
 * The checks of provider-http-api §1.7, GET /download. A compute service's files go to a configure step with a job
 * token and to nobody else, unless bare environment signatures are switched on (DESIGN §4.6).
 * @param options.grantMemoryMs how long what was decided for a token holds for more files
 * @param options.orderTimeoutMs milliseconds to wait for an order that is not on chain yet
 */
export function createDownloadAuthoriser(
  options: { allowsEnvironmentSignatures: boolean; orderTimeoutMs: number; grantMemoryMs: number },
  deps: DownloadDeps,
): AuthoriseDownload {
  // A configure step fetches thousands of files with one token: what was decided holds for all of them, for a moment.
  const granted = createShortMemory<GrantedFiles>({ ttlMs: options.grantMemoryMs, maxEntries: 1_000 })

  const assertJobReads = createJobReadCheck(deps)

  return async function authoriseDownload(request) {
    const { token, documentId, serviceId, transferTxId, consumerAddress } = request
    if (token === undefined) return chooseFile(await grantFiles(request), request)
    const key = JSON.stringify([token, documentId, serviceId, transferTxId, consumerAddress])
    return chooseFile(await granted.get(key, () => grantFiles(request)), request)
  }

  async function grantFiles(request: DownloadRequest): Promise<GrantedFiles> {
    const asset = await deps.resolveAsset(request.documentId)
    if (!asset) throw new AppError('AssetNotFound', { detail: 'Cannot resolve DID' })
    const { network } = asset.chain
    const job = await acceptedJob(request, asset.chain.chainId)
    const denied = whyNotConsumable(asset, job?.owner ?? request.consumerAddress)
    if (denied) throw new AppError('AssetNotConsumable', { detail: networkText(network, denied) })
    const target = findService(asset, request.serviceId)
    if (!target) throw new AppError('ServiceNotFound', { detail: networkText(network, 'Invalid serviceId.') })
    // What a job brings was checked when it was started, against the document of that moment.
    const userdata = job ? null : { filled: fillForAccess(target, request.userdata) }
    if (!job) await assertAccessService(target, request)

    const order = await loadOrder(target, {
      transferTxId: request.transferTxId,
      sender: request.consumerAddress,
      allowsExpiredFee: false,
      timeoutMs: options.orderTimeoutMs,
      now: job?.acceptedAt ?? deps.now(),
    })
    if (!order.isValid) {
      const text = `Order with tx_id ${request.transferTxId} could not be validated due to error: ${order.reason}`
      throw new AppError('OrderInvalid', { detail: networkText(network, text) })
    }
    const files = decryptServiceFiles(target)
    const place = { chainId: asset.chain.chainId, datatokenAddress: target.service.datatokenAddress }
    if (files) return { files, network, userdata, place }
    throw new AppError('FilesUnavailable', { detail: networkText(network, 'Unable to get dataset files') })
  }

  async function acceptedJob(request: DownloadRequest, chainId: number): Promise<AcceptedJob | null> {
    return request.token === undefined ? null : assertJobReads({ ...request, token: request.token, chainId })
  }

  async function assertAccessService({ asset, service }: AssetService, request: DownloadRequest): Promise<void> {
    if (service.type === 'access') return
    if (options.allowsEnvironmentSignatures && deps.operator) {
      const environments = await deps.operator.environments(asset.chain.chainId)
      if (environments.some((one) => isSameAddress(one.consumerAddress, request.consumerAddress))) return
    }
    const text = `Service with index=${service.id} is not an access service.`
    throw new AppError('InvalidRequest', { detail: networkText(asset.chain.network, text) })
  }
}

/** Checks job download tokens, wherever files of a service are asked about; see `authoriseJobDownload`. */
export function createJobReadCheck(
  deps: Omit<DownloadDeps, 'resolveAsset'>,
): (request: TokenDownload) => Promise<AcceptedJob> {
  return async function assertJobReads(request) {
    const { operator, recover } = deps
    if (!operator) throw new AppError('NotAllowed', { detail: 'There are no compute jobs here.' })
    return authoriseJobDownload(request, deps.now(), { operator, recover })
  }
}

function chooseFile({ files, network, userdata, place }: GrantedFiles, request: DownloadRequest): GrantedFile {
  const { fileIndex } = request
  const unavailable = (text: string): AppError =>
    new AppError('FilesUnavailable', { detail: networkText(network, text) })
  if (fileIndex >= files.length) throw unavailable(`No such fileIndex ${fileIndex}`)
  const parsed = parseFileObject(files[fileIndex])
  if ('problem' in parsed) throw unavailable(parsed.problem)
  return { file: parsed.file, userdata: userdata ? userdata.filled : request.userdata, network, place }
}
