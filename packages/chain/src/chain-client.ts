import { isSameAddress, transactionHashSchema } from '@c2d/contracts'
import { ConfigError } from '@c2d/runtime'
import { dataNftInterface, datatokenInterface, factoryInterface } from './abi.ts'
import { checksumAddress } from './address.ts'
import { readAssetState } from './asset-state.ts'
import { createBlockMemory } from './block-memory.ts'
import { createChainRpc } from './chain-rpc.ts'
import { isContractSignatureValid, type ContractSignature } from './contract-signature.ts'
import { createLastingTruth } from './lasting-truth.ts'
import { createLatestBlock, type LatestBlock } from './latest-block.ts'
import { createLogReader } from './log-reader.ts'
import { createMetadataReader, type OnChainMetadata } from './metadata-reader.ts'
import { createNftList, type ListedNft, type NftList } from './nft-list.ts'
import { readExecutions, type OrderExecution } from './order-execution.ts'
import { createOrderReader } from './order-reader.ts'
import type { OrderReceipt } from './order-receipt.ts'
import type { OnChainCall } from './rpc-endpoint.ts'
import { callView, type ViewCall } from './view-call.ts'
import { waitFor } from './wait-for.ts'

/** Which chain, and where what we read of it begins. */
export interface ChainClientOptions {
  chainId: number
  /** http or https; may hold an access key, so it is never repeated in an error. */
  rpcUrl?: string | undefined
  /** Several of them, the best first: where one fails, the next is asked. Comes after `rpcUrl`, if both are given. */
  rpcUrls?: readonly string[] | undefined
  /** How long one call may take, in milliseconds; default 10 s, 4 s where there are several endpoints. */
  requestTimeoutMs?: number | undefined
  /** How long another endpoint is kept before the first is tried again, in milliseconds; default 30 s. */
  fallbackMs?: number | undefined
  /** The ERC721Factory that genuine data NFTs come from. */
  factoryAddress?: string | undefined
  /** The block before which no asset was published; default 0. */
  startBlock?: number | undefined
  /**
   * How many blocks must have come after one for what it says to be remembered: shallower ones may still be taken
   * back. Default 12; 0 is for development chains, which take nothing back.
   */
  confirmationsToCache?: number | undefined
  /**
   * How old "the newest block" may be, in milliseconds, at most 1 s. Default 1 s; 0 on development chains, where a
   * block comes with each transaction.
   */
  latestBlockMaxAgeMs?: number | undefined
  /** Is told of every call to an endpoint, for metrics. Must not throw. */
  onCall?: OnChainCall | undefined
}

/** One chain, read-only. Every method throws AppError UpstreamUnavailable where the chain cannot be read. */
export interface ChainClient {
  readonly chainId: number
  /**
   * The same client, to which the newest block is the one that is when it is first asked about the present: what one
   * request asks belongs together then, and the block is asked for once. For short work; nothing need be closed.
   */
  atOneMoment(): ChainClient
  /** The NFT's present metadata; null where it published none, or is no data NFT (DESIGN §4.4). */
  latestMetadata(nftAddress: string): Promise<OnChainMetadata | null>
  /** The metadata that this NFT published in a transaction (the last, if several); null where there is none. */
  metadataOfTransaction(transactionHash: string, nftAddress: string): Promise<OnChainMetadata | null>
  /** The asset's state (`ASSET_STATE`) at the end of a block; null where nothing was published by then. */
  assetStateAt(nftAddress: string, blockNumber: number): Promise<number | null>
  /** Whether the NFT says that it deployed this datatoken. */
  isDatatokenOf(nftAddress: string, datatokenAddress: string): Promise<boolean>
  /** Whether the factory made this NFT. Throws ConfigError where no factory is configured. */
  isFactoryNft(nftAddress: string): Promise<boolean>
  /**
   * The data NFTs that the factory made, oldest first. Throws ConfigError where no factory is configured.
   * @param options.fromBlock those of this block and later; default `startBlock`, which is the earliest
   */
  listNfts(options?: { fromBlock?: number }): Promise<readonly ListedNft[]>
  /** The checksummed address of the factory's NFT that a DID stands for, or null; throws as `listNfts` does. */
  findNft(did: string): Promise<string | null>
  /** The checksummed owner of a data NFT; null where it is none. */
  nftOwner(nftAddress: string): Promise<string | null>
  /** Decimals of an ERC-20 token, remembered. Throws ConfigError where it is no token: fee tokens are configured. */
  tokenDecimals(tokenAddress: string): Promise<number>
  /** Whether a contract account says that it signed a message (ERC-1271); false for whatever is no contract. */
  isContractSignatureValid(claim: ContractSignature): Promise<boolean>
  /** Calls a contract's view function; throws as `callView` does. */
  callView(call: ViewCall): Promise<unknown>
  /** Epoch seconds of the newest block: what "now" means to orders. */
  latestBlockTimestamp(): Promise<number>
  /** What was told of an order on chain by `orderExecuted`, oldest first: by anybody whom the datatoken let. */
  listExecutions(datatokenAddress: string, orderTxId: string, fromBlock: number): Promise<OrderExecution[]>
  /** Resolves when an endpoint answers and serves this chain. */
  isReady(): Promise<void>
  /**
   * Waits for a transaction and reads what it says about orders of one datatoken (DESIGN §4.3).
   * @returns null for a malformed hash, and where the transaction is not mined within `timeoutMs`
   */
  loadOrder(
    transactionHash: string,
    datatokenAddress: string,
    options: { timeoutMs: number },
  ): Promise<OrderReceipt | null>
  /** Ends the client's timers; requests under way fail. */
  close(): void
}

const RECEIPT_POLL_MS = 100
const NFT_TOKEN_ID = 1
const MAX_OWNERS = 1_000
const ZERO_ADDRESS = `0x${'0'.repeat(40)}`
const CONFIRMATIONS = 12
const LATEST_BLOCK_MS = 1_000
const DEVELOPMENT_CHAINS = [1337, 8996, 31337]

/**
 * Holds the connection to one chain. Addresses go in in any casing and come out checksummed.
 * @throws ConfigError where there is no endpoint
 */
export function createChainClient(options: ChainClientOptions): ChainClient {
  const { chainId, startBlock = 0, confirmationsToCache: confirmations = CONFIRMATIONS } = options
  const factoryAddress = options.factoryAddress && checksumAddress(options.factoryAddress)
  const rpcUrls = [options.rpcUrl ?? [], options.rpcUrls ?? []].flat()
  const rpc = createChainRpc({ ...options, rpcUrls })
  const blockMs = options.latestBlockMaxAgeMs ?? (DEVELOPMENT_CHAINS.includes(chainId) ? 0 : LATEST_BLOCK_MS)
  const latestBlock = createLatestBlock(rpc, { chainId, maxAgeMs: Math.min(blockMs, LATEST_BLOCK_MS) })
  const readLogs = createLogReader(rpc)
  const metadata = createMetadataReader({ startBlock, confirmations }, { rpc, readLogs })
  const owners = createBlockMemory<string | null>(MAX_OWNERS)
  const readOrder = createOrderReader({ confirmations }, { rpc, latestBlock })
  const lastingTruth = createLastingTruth({ confirmations }, { latestBlock })
  const decimalsByToken = new Map<string, number>()
  let nfts: NftList | null = null

  const factory = (): string => {
    if (factoryAddress) return factoryAddress
    throw new ConfigError([`chain ${chainId}: the address of the ERC721Factory is missing`])
  }
  const nftList = (): NftList => {
    const place = { chainId, factoryAddress: factory(), startBlock, confirmations }
    nfts ??= createNftList(place, { latestBlock, readLogs })
    return nfts
  }

  /** The client, to which this is the newest block. */
  const viewAt = (newest: LatestBlock): ChainClient => ({
    chainId,
    atOneMoment: () => viewAt(rememberFirst(newest)),
    latestMetadata: async (nftAddress) => metadata.latest(checksumAddress(nftAddress), await newest()),
    metadataOfTransaction: async (transactionHash, nftAddress) => {
      const address = checksumAddress(nftAddress)
      if (!isTransactionHash(transactionHash)) return null
      const receipt = await rpc.read((provider) => provider.getTransactionReceipt(transactionHash))
      return receipt?.status === 1 ? metadata.among(address, receipt.logs) : null
    },
    assetStateAt: (nftAddress, toBlock) =>
      readAssetState(readLogs, checksumAddress(nftAddress), { fromBlock: startBlock, toBlock }),
    isDatatokenOf: async (nftAddress, datatokenAddress) => {
      const datatoken = checksumAddress(datatokenAddress)
      const address = checksumAddress(nftAddress)
      const view = { contract: dataNftInterface, address, name: 'isDeployed', args: [datatoken] }
      return lastingTruth(`datatoken ${address} ${datatoken}`, async () => (await rpc.call(view)) === true)
    },
    isFactoryNft: async (nftAddress) => {
      const nft = checksumAddress(nftAddress)
      const view = { contract: factoryInterface, address: factory(), name: 'erc721List', args: [nft] }
      return lastingTruth(`nft ${nft}`, async () => {
        const listed = await rpc.call(view)
        // The list answers zero for what it does not know, and so would know the zero address.
        return typeof listed === 'string' && listed !== ZERO_ADDRESS && isSameAddress(listed, nft)
      })
    },
    listNfts: async ({ fromBlock = startBlock } = {}) => {
      const listed = await nftList().all()
      return listed.filter((nft) => nft.blockNumber >= fromBlock)
    },
    findNft: async (did) => nftList().find(did),
    nftOwner: async (nftAddress) => {
      const address = checksumAddress(nftAddress)
      const view = { contract: dataNftInterface, address, name: 'ownerOf', args: [NFT_TOKEN_ID] }
      return owners(await newest(), address, async () => {
        const owner = await rpc.call(view)
        return typeof owner === 'string' ? owner : null
      })
    },
    tokenDecimals: async (tokenAddress) => {
      const address = checksumAddress(tokenAddress)
      const known = decimalsByToken.get(address)
      if (known !== undefined) return known
      const decimals = await rpc.call({ contract: datatokenInterface, address, name: 'decimals' })
      if (decimals === null) throw new ConfigError([`chain ${chainId}: ${address} is no ERC-20 token`])
      decimalsByToken.set(address, Number(decimals))
      return Number(decimals)
    },
    isContractSignatureValid: (claim) => isContractSignatureValid(rpc, claim),
    callView: (call) => callView(rpc, call),
    latestBlockTimestamp: async () => (await newest()).timestamp,
    listExecutions: async (datatokenAddress, orderTxId, fromBlock) => {
      const { number: toBlock } = await newest()
      return readExecutions(readLogs, { datatoken: checksumAddress(datatokenAddress), orderTxId, fromBlock, toBlock })
    },
    isReady: () => rpc.checkChain(),
    loadOrder: async (transactionHash, datatokenAddress, { timeoutMs }) => {
      const datatoken = checksumAddress(datatokenAddress)
      if (!isTransactionHash(transactionHash)) return null
      return waitFor(() => readOrder(transactionHash, datatoken), { intervalMs: RECEIPT_POLL_MS, timeoutMs })
    },
    close: () => rpc.close(),
  })
  return viewAt(latestBlock)
}

/** The first answer, for ever: a failure, too. */
function rememberFirst(latestBlock: LatestBlock): LatestBlock {
  let first: ReturnType<LatestBlock> | null = null
  return () => (first ??= latestBlock())
}

function isTransactionHash(text: string): boolean {
  return transactionHashSchema.safeParse(text).success
}
