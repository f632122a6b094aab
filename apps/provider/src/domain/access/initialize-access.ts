import type { Quote } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { probeSource } from '@c2d/storage'
import { buildQuote } from '../orders/build-quote.ts'
import { whyNotConsumable } from '../assets/consumable.ts'
import { fillForQuote } from './fill-for-access.ts'
import type { FileAccess } from './file-access.ts'
import { loadOrder } from '../orders/load-order.ts'
import { networkText } from '../chains/network-name.ts'
import { findService, type AssetService, type ResolveAsset } from '../assets/resolve-asset.ts'
import { decryptServiceFiles, parseFileObject } from '../assets/service-files.ts'

/** A question for the price of one access. */
export interface AccessQuestion {
  documentId: string
  serviceId: string
  consumerAddress: string
  /** When given, the file is asked for. */
  fileIndex: number | undefined
  /** An order that may still be good. */
  transferTxId: string | undefined
  userdata: unknown
  /** The parameters as sent, for the text of a failed probe. */
  asSent: Readonly<Record<string, unknown>>
}

/** What quoting an access needs. */
export interface AccessDeps {
  resolveAsset: ResolveAsset
  files: FileAccess
  requestTimeoutMs: number
  /** Epoch seconds, with fraction. */
  now: () => number
}

/**
 * Checks in the order of provider-http-api §1.7, GET /initialize.
 * @returns the order that is still good, or what to order and pay
 * @throws AppError in the reference's words
 */
export async function initializeAccess(question: AccessQuestion, deps: AccessDeps): Promise<Quote> {
  const asset = await deps.resolveAsset(question.documentId)
  if (!asset) throw new AppError('AssetNotFound', { detail: 'Cannot resolve DID' })
  const { network } = asset.chain
  const denied = whyNotConsumable(asset, question.consumerAddress)
  if (denied) throw new AppError('AssetNotConsumable', { detail: networkText(network, denied) })
  const target = findService(asset, question.serviceId)
  if (!target) throw new AppError('ServiceNotFound', { detail: networkText(network, 'Invalid serviceId.') })
  if (target.service.type === 'compute') {
    const text = 'Use the initializeCompute endpoint to initialize compute jobs.'
    throw new AppError('InvalidRequest', { detail: networkText(network, text) })
  }
  const userdata = fillForQuote(target, question.userdata)
  const now = deps.now()
  if (question.transferTxId) {
    const order = await loadOrder(target, {
      transferTxId: question.transferTxId,
      sender: question.consumerAddress,
      allowsExpiredFee: true,
      timeoutMs: 0,
      now,
    })
    if (order.isValid) return { validOrder: order.originTransactionHash }
  }
  if (question.fileIndex !== undefined)
    await assertReachable(target, question.fileIndex, { ...question, userdata }, deps)
  return buildQuote(target, { environment: null, amountWei: 0n, validUntil: 0, now })
}

async function assertReachable(
  target: AssetService,
  fileIndex: number,
  question: AccessQuestion,
  deps: AccessDeps,
): Promise<void> {
  const { network } = target.asset.chain
  const unavailable = (text: string): AppError =>
    new AppError('FilesUnavailable', { detail: networkText(network, text) })
  const files = decryptServiceFiles(target)
  if (!files) throw unavailable('Unable to get dataset files')
  if (fileIndex >= files.length) throw unavailable(`No such fileIndex ${fileIndex}`)
  const parsed = parseFileObject(files[fileIndex])
  if ('problem' in parsed) throw unavailable(parsed.problem)
  const info = await probeSource(parsed.file, fileIndex, {
    ...deps.files,
    checksum: false,
    maxChecksumBytes: 0,
    userdata: question.userdata,
    signal: AbortSignal.timeout(deps.requestTimeoutMs),
  })
  if (info.valid) return
  const sent = Object.entries(question.asSent).map(([name, value]) => `'${name}': '${textOf(value)}'`)
  throw unavailable(`Asset URL not found, not available or invalid. Payload was: {${sent.join(', ')}}`)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
