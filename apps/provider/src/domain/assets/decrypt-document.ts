import { ASSET_STATE, hexBytesSchema, transactionHashSchema } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { isPublishedDocument } from './asset-document.ts'
import { openMetadataBytes } from './metadata-bytes.ts'
import type { ProviderChain, ProviderChains } from '../chains/provider-chain.ts'

/** A decrypt request whose signature has been checked. */
export interface DecryptRequest {
  decrypterAddress: string
  chainId: string
  dataNftAddress: string
  /** Names the metadata event; wins over `direct`. */
  transactionId: string | undefined
  direct: { encryptedDocument: string; flags: unknown; documentHash: string }
}

interface MetadataBytes {
  data: Uint8Array
  flags: number
  hash: string
}

const STATE_REFUSALS: Record<number, string> = {
  [ASSET_STATE.endOfLife]: 'Asset end of life',
  [ASSET_STATE.deprecated]: 'Asset deprecated',
  [ASSET_STATE.revoked]: 'Asset revoked',
}
const KNOWN_STATES: readonly number[] = Object.values(ASSET_STATE)

/**
 * The steps and texts of provider-http-api §1.7, POST /decrypt; the nonce is spent before, the decrypter's right is
 * compared case-insensitively.
 * @returns the plain document's bytes
 */
export async function decryptDocument(
  request: DecryptRequest,
  options: { authorizedDecrypters: readonly string[] },
  deps: { chains: ProviderChains },
): Promise<Uint8Array> {
  const chain = deps.chains.get(Number(request.chainId))
  if (!chain) throw invalid(`Unsupported chain ID ${request.chainId}`)
  const allowed = options.authorizedDecrypters
  if (allowed.length > 0 && !allowed.some((one) => one.toLowerCase() === request.decrypterAddress.toLowerCase())) {
    throw new AppError('NotAllowed', { detail: 'Decrypter not authorized' })
  }
  if (!(await chain.client.isFactoryNft(request.dataNftAddress))) {
    throw invalid('Asset not deployed by the data NFT factory.')
  }
  const bytes = request.transactionId ? await ofTransaction(request.transactionId, chain) : ofArguments(request.direct)
  await assertReadable(chain, request.dataNftAddress)
  const opened = await openMetadataBytes(bytes.data, bytes.flags, chain.privateKey)
  if ('failed' in opened) throw invalid(opened.failed === 'decrypt' ? 'Failed to decrypt.' : 'Failed to decompress')
  if (!isPublishedDocument(opened.document, bytes.hash)) throw invalid("Checksum doesn't match.")
  return opened.document

  async function ofTransaction(transactionId: string, on: ProviderChain): Promise<MetadataBytes> {
    const isHash = transactionHashSchema.safeParse(transactionId).success
    const event = isHash ? await on.client.metadataOfTransaction(transactionId, request.dataNftAddress) : null
    if (!event) throw invalid('Failed to process transaction id.')
    return event
  }
}

function ofArguments({ encryptedDocument, flags, documentHash }: DecryptRequest['direct']): MetadataBytes {
  const isWellFormed =
    hexBytesSchema.safeParse(encryptedDocument).success &&
    hexBytesSchema.safeParse(documentHash).success &&
    typeof flags === 'number' &&
    Number.isInteger(flags) &&
    flags >= 0 &&
    flags <= 255
  if (!isWellFormed) throw invalid('Failed to convert input args to bytes.')
  return { data: Buffer.from(encryptedDocument.slice(2), 'hex'), flags, hash: documentHash }
}

async function assertReadable(chain: ProviderChain, nft: string): Promise<void> {
  const state = (await chain.client.latestMetadata(nft))?.state ?? ASSET_STATE.active
  const refusal = STATE_REFUSALS[state]
  if (refusal) throw new AppError('NotAllowed', { detail: refusal })
  if (!KNOWN_STATES.includes(state)) throw invalid('Invalid MetadataState')
}

function invalid(detail: string): AppError {
  return new AppError('InvalidRequest', { detail })
}
