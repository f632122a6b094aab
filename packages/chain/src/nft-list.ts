import { factoryInterface } from './abi.ts'
import { checksumAddress } from './address.ts'
import { computeDid } from './did.ts'
import type { LatestBlock } from './latest-block.ts'
import { searchedForGood, type LogReader } from './log-reader.ts'
import type { MinedLog } from './metadata-event.ts'
import { parseLog } from './parse-log.ts'

/** A data NFT, as the factory made it. */
export interface ListedNft {
  /** Checksummed. */
  address: string
  did: string
  blockNumber: number
}

/** Every data NFT that the factory made. */
export interface NftList {
  /** Oldest first. */
  all(): Promise<readonly ListedNft[]>
  /** The checksummed address of the NFT that a DID stands for; null where the factory made none such. */
  find(did: string): Promise<string | null>
}

const TOPICS = [[factoryInterface.getEvent('NFTCreated')?.topicHash ?? '']]

/**
 * Reads the factory's events once, then only what came since. What may still be taken back by the chain is read
 * again each time there is a new block.
 * @param options.startBlock the block before which the factory made none
 */
export function createNftList(
  options: { chainId: number; factoryAddress: string; startBlock: number; confirmations: number },
  deps: { latestBlock: LatestBlock; readLogs: LogReader },
): NftList {
  const { chainId, factoryAddress } = options
  const final: ListedNft[] = []
  const byDid = new Map<string, string>()
  let recent: ListedNft[] = []
  let throughBlock = options.startBlock - 1
  let readAt = ''
  let reading: Promise<void> = Promise.resolve()

  const readSince = async (): Promise<void> => {
    const newest = await deps.latestBlock()
    if (newest.hash === readAt) return
    const query = { address: factoryAddress, topics: TOPICS, fromBlock: throughBlock + 1, toBlock: newest.number }
    const finalBlock = searchedForGood(newest.number, options.confirmations)
    const tail: ListedNft[] = []
    for await (const logs of deps.readLogs(query, 'oldest first')) {
      for (const nft of logs.flatMap(parseNft)) {
        if (nft.blockNumber > finalBlock) {
          tail.push(nft)
          continue
        }
        final.push(nft)
        byDid.set(nft.did, nft.address)
        // A part holds whole blocks: a first reading of years that fails half way goes on from here.
        throughBlock = nft.blockNumber
      }
    }
    throughBlock = Math.max(throughBlock, finalBlock)
    recent = tail
    readAt = newest.hash
  }
  const parseNft = (log: MinedLog): ListedNft[] => {
    const created = parseLog(factoryInterface, log)
    if (created?.name !== 'NFTCreated') return []
    const address = checksumAddress(String(created.args['newTokenAddress']))
    return [{ address, did: computeDid(address, chainId), blockNumber: log.blockNumber }]
  }
  /** One after the other: two readings of the same blocks would list an NFT twice. */
  const refresh = (): Promise<void> => {
    reading = reading.catch(() => undefined).then(readSince) // its failure was told to whom it concerned
    return reading
  }

  return {
    all: async () => {
      await refresh()
      return [...final, ...recent]
    },
    find: async (did) => {
      const known = byDid.get(did)
      if (known !== undefined) return known
      await refresh()
      return byDid.get(did) ?? recent.find((nft) => nft.did === did)?.address ?? null
    },
  }
}
