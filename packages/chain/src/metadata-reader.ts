import { dataNftInterface } from './abi.ts'
import { createBlockMemory } from './block-memory.ts'
import { createBoundedMap } from './bounded-map.ts'
import type { ChainRpc } from './chain-rpc.ts'
import type { BlockHead } from './latest-block.ts'
import { searchedForGood, type LogReader } from './log-reader.ts'
import { findLastMetadata, type MetadataEvent, type MinedLog } from './metadata-event.ts'

/** Published metadata and where it was found. */
export interface OnChainMetadata extends MetadataEvent {
  /** The asset's state on chain now (`ASSET_STATE`), whatever the event said. */
  state: number
  /** Lower case. */
  transactionHash: string
  blockNumber: number
}

/** Reads metadata of data NFTs; addresses are checksummed. */
export interface MetadataReader {
  /** The present metadata, as of the newest block, which the caller names; null where there is none. */
  latest(nft: string, block: BlockHead): Promise<OnChainMetadata | null>
  /** What an NFT published among these logs (the last, if several); null where there is none. */
  among(nft: string, logs: readonly MinedLog[]): Promise<OnChainMetadata | null>
}

/** What need not be searched again. Without the document itself: that may be large. */
interface Searched {
  /** Up to here, this block included, the search is done for good. */
  throughBlock: number
  /** The block of the last metadata up to there. */
  lastIn: number | null
}

const MAX_NFTS = 5_000
const MAX_ANSWERS = 500
const TOPICS = [
  ['MetadataCreated', 'MetadataUpdated'].map((name) => dataNftInterface.getEvent(name)?.topicHash ?? name),
]

/**
 * @param options.startBlock the block before which nothing was published
 * @param options.confirmations how deep a block must be buried to be taken for final
 */
export function createMetadataReader(
  options: { startBlock: number; confirmations: number },
  deps: { rpc: ChainRpc; readLogs: LogReader },
): MetadataReader {
  const { rpc, readLogs } = deps
  const searched = createBoundedMap<string, Searched>(MAX_NFTS)
  const answers = createBlockMemory<OnChainMetadata | null>(MAX_ANSWERS)

  const lastIn = async (nft: string, fromBlock: number, toBlock: number): Promise<MinedLog | null> => {
    for await (const logs of readLogs({ address: nft, topics: TOPICS, fromBlock, toBlock }, 'newest first')) {
      const found = findLastMetadata(logs, nft)
      if (found) return found.log
    }
    return null
  }

  const search = async (nft: string, toBlock: number): Promise<MinedLog | null> => {
    const before = searched.get(nft) ?? { throughBlock: options.startBlock - 1, lastIn: null }
    const [newer, known] = await Promise.all([
      lastIn(nft, before.throughBlock + 1, toBlock),
      before.lastIn === null ? null : lastIn(nft, before.lastIn, before.lastIn),
    ])
    if (before.lastIn !== null && known === null) {
      searched.delete(nft) // what was there for good is not: nothing remembered of this NFT can be relied on
      return lastIn(nft, options.startBlock, toBlock)
    }
    const found = newer ?? known
    const finalBlock = searchedForGood(toBlock, options.confirmations)
    // What is found in a block that may still go away leaves open what was last before it.
    if (finalBlock > before.throughBlock && (found === null || found.blockNumber <= finalBlock)) {
      searched.set(nft, { throughBlock: finalBlock, lastIn: found?.blockNumber ?? null })
    }
    return found
  }

  const among = async (nft: string, logs: readonly MinedLog[]): Promise<OnChainMetadata | null> => {
    const found = findLastMetadata(logs, nft)
    if (!found) return null
    const state = await rpc.call({ contract: dataNftInterface, address: nft, name: 'getMetaData', resultIndex: 2 })
    if (state === null) return null
    const { transactionHash, blockNumber } = found.log
    return { ...found.event, state: Number(state), transactionHash: transactionHash.toLowerCase(), blockNumber }
  }

  return {
    among,
    latest: (nft, block) =>
      answers(block, nft, async () => {
        const log = await search(nft, block.number)
        return log ? among(nft, [log]) : null
      }),
  }
}
