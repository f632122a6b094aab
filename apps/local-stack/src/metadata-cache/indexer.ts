import type { Ddo } from '@c2d/contracts'
import { toError, type Logger } from '@c2d/runtime'
import type { JsonRpcProvider } from 'ethers'
import { buildAssetText, buildEventFacts, isoTime } from './asset-answer.ts'
import type { ChainFacts } from './chain-facts.ts'
import type { DocumentReader } from './document-reader.ts'
import { EVENT_TOPICS, parseEvent, type DocumentEvent } from './metadata-events.ts'
import { parseDocument } from './validate-document.ts'

interface IndexedAsset {
  readonly documentText: string
  readonly ddo: Ddo
  readonly event: DocumentEvent
  readonly createdSeconds: number
}

/** Assets of one chain, as far as its events tell. */
export interface Indexer {
  /** Reads what the chain has gained since the last time. Calls at the same time share one reading. */
  sync(): Promise<void>
  /** An asset's document with the cache's members, as JSON text; undefined for an asset that is not known. */
  findAsset(did: string): Promise<string | undefined>
}

/** Indexes published documents from the chain's events, in the order of the chain. Holds everything in memory. */
export function createIndexer(
  options: { readonly startBlock: number },
  deps: {
    readonly rpc: JsonRpcProvider
    readonly facts: ChainFacts
    readonly read: DocumentReader
    readonly log: Logger
  },
): Indexer {
  const assetsByDid = new Map<string, IndexedAsset>()
  const stateByNft = new Map<string, number>()
  const ordersByDatatoken = new Map<string, number>()
  let nextBlock = options.startBlock
  let unread: DocumentEvent[] = []
  let running: Promise<void> | undefined

  const index = async (event: DocumentEvent): Promise<void> => {
    if (!(await deps.facts.isGenuineNft(event.nftAddress))) return
    stateByNft.set(event.nftAddress, event.state)
    const documentText = await deps.read(event)
    const document = parseDocument(documentText)
    if ('problems' in document) {
      deps.log.warn({ nft: event.nftAddress, problems: document.problems }, 'a published document is not valid')
      return
    }
    const { ddo } = document
    if (ddo.nftAddress.toLowerCase() !== event.nftAddress.toLowerCase()) {
      deps.log.warn({ nft: event.nftAddress, did: ddo.id }, 'a document was published on the NFT of another asset')
      return
    }
    const createdSeconds = assetsByDid.get(ddo.id)?.createdSeconds ?? event.timestampSeconds
    assetsByDid.set(ddo.id, { documentText, ddo, event, createdSeconds })
    deps.log.info({ did: ddo.id, block: event.block }, 'asset indexed')
  }

  const indexOrKeep = async (event: DocumentEvent): Promise<void> => {
    try {
      await index(event)
    } catch (thrown) {
      // The provider may be starting, or refuse for good: the event stays and is tried again at the next reading.
      deps.log.warn({ nft: event.nftAddress, err: toError(thrown).message }, 'a document cannot be read yet')
      unread.push(event)
    }
  }

  const readOnce = async (): Promise<void> => {
    const head = await deps.rpc.getBlockNumber()
    const waiting = unread
    unread = []
    for (const event of waiting) await indexOrKeep(event)
    if (head < nextBlock) return
    const logs = await deps.rpc.getLogs({ fromBlock: nextBlock, toBlock: head, topics: EVENT_TOPICS })
    for (const log of logs) {
      const event = parseEvent(log)
      if (event?.kind === 'document') {
        unread = unread.filter((older) => older.nftAddress !== event.nftAddress)
        await indexOrKeep(event)
      } else if (event?.kind === 'state') {
        stateByNft.set(event.nftAddress, event.state)
      } else if (event?.kind === 'order') {
        ordersByDatatoken.set(event.datatokenAddress, (ordersByDatatoken.get(event.datatokenAddress) ?? 0) + 1)
      }
    }
    nextBlock = head + 1
  }

  return {
    sync: () => {
      running ??= readOnce().finally(() => {
        running = undefined
      })
      return running
    },
    findAsset: async (did) => {
      const asset = assetsByDid.get(did)
      if (!asset) return undefined
      const { ddo, event } = asset
      const [nft, price, datatokens] = await Promise.all([
        deps.facts.readNft(event.nftAddress),
        deps.facts.readPrice(ddo.services[0]?.datatokenAddress ?? ''),
        Promise.all(
          ddo.services.map(async ({ datatokenAddress, id }) => ({
            address: datatokenAddress,
            ...(await deps.facts.readDatatoken(datatokenAddress)),
            serviceId: id,
          })),
        ),
      ])
      const orders = new Set(datatokens.map(({ address }) => address))
      return buildAssetText(asset.documentText, {
        nft: {
          address: event.nftAddress,
          ...nft,
          state: stateByNft.get(event.nftAddress) ?? event.state,
          created: isoTime(asset.createdSeconds),
        },
        datatokens,
        event: buildEventFacts(event),
        stats: {
          orders: [...orders].reduce((sum, address) => sum + (ordersByDatatoken.get(address) ?? 0), 0),
          price,
        },
      })
    },
  }
}
