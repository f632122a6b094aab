import { dataNftInterface } from './abi.ts'
import type { LogReader } from './log-reader.ts'
import { parseLog } from './parse-log.ts'

const TOPICS = [
  ['MetadataCreated', 'MetadataUpdated', 'MetadataState'].map(
    (name) => dataNftInterface.getEvent(name)?.topicHash ?? name,
  ),
]

/**
 * The state (`ASSET_STATE`) of an asset as it was at the end of a block, from the NFT's own events: endpoints keep
 * events for ever, and contract state only for a while.
 * @param nft checksummed
 * @returns null where nothing was published by then
 */
export async function readAssetState(
  readLogs: LogReader,
  nft: string,
  blocks: { fromBlock: number; toBlock: number },
): Promise<number | null> {
  for await (const logs of readLogs({ address: nft, topics: TOPICS, ...blocks }, 'newest first')) {
    for (const log of [...logs].reverse()) {
      const event = parseLog(dataNftInterface, log)
      if (event) return Number(event.args.state)
    }
  }
  return null
}
