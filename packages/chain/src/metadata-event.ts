import { isSameAddress } from '@c2d/contracts'
import { getBytes } from 'ethers'
import { dataNftInterface } from './abi.ts'
import { parseLog, type RawLog } from './parse-log.ts'

/** Flag bits of published metadata; the publisher compresses first, then encrypts (provider-http-api §7.4). */
export const METADATA_FLAGS = { compressed: 1, encrypted: 2 } as const

/** What a `MetadataCreated` or `MetadataUpdated` event published. */
export interface MetadataEvent {
  /** SHA-256 of the plain document, 0x and lower-case hex. */
  hash: string
  /** Bits of `METADATA_FLAGS`. */
  flags: number
  /** The document, compressed and encrypted as `flags` says. */
  data: Uint8Array
  decryptorUrl: string
}

/** A log and the block it stands in. */
export interface MinedLog extends RawLog {
  readonly blockNumber: number
  readonly transactionHash: string
}

/** The last metadata event that the NFT itself emitted, by block and position; null when there is none. */
export function findLastMetadata(
  logs: readonly MinedLog[],
  nftAddress: string,
): { event: MetadataEvent; log: MinedLog } | null {
  const newestFirst = logs
    .filter((log) => isSameAddress(log.address, nftAddress))
    .sort((a, b) => b.blockNumber - a.blockNumber || b.index - a.index)
  for (const log of newestFirst) {
    const parsed = parseLog(dataNftInterface, log)
    if (parsed && 'metaDataHash' in parsed.args.toObject()) return { event: buildMetadataEvent(parsed.args), log }
  }
  return null
}

function buildMetadataEvent(args: Readonly<Record<string, unknown>>): MetadataEvent {
  return {
    hash: String(args.metaDataHash).toLowerCase(),
    flags: getBytes(String(args.flags))[0] ?? 0,
    data: getBytes(String(args.data)),
    decryptorUrl: String(args.decryptorUrl),
  }
}
