import { isSameAddress, transactionHashSchema } from '@c2d/contracts'
import { AppError, ConfigError } from '@c2d/runtime'
import { dataNftInterface, datatokenInterface, factoryInterface } from './abi.ts'
import { checksumAddress } from './address.ts'
import { createChainRpc } from './chain-rpc.ts'
import { findLastMetadata, type MetadataEvent, type MinedLog } from './metadata-event.ts'
import { buildOrderReceipt, type OrderReceipt } from './order-receipt.ts'
import { waitFor } from './wait-for.ts'

/** Which chain, and where what we read of it begins. */
export interface ChainClientOptions {
  chainId: number
  /** http or https; may hold an access key, so it is never repeated in an error. */
  rpcUrl: string
  /** The ERC721Factory that genuine data NFTs come from. */
  factoryAddress?: string | undefined
  /** The block before which no asset was published; default 0. */
  startBlock?: number | undefined
}

/** Published metadata and where it was found. */
export interface OnChainMetadata extends MetadataEvent {
  /** The asset's state on chain now (`ASSET_STATE`), whatever the event said. */
  state: number
  /** Lower case. */
  transactionHash: string
  blockNumber: number
}

/** One chain, read-only. Every method throws AppError UpstreamUnavailable where the chain cannot be read. */
export interface ChainClient {
  readonly chainId: number
  /** The NFT's present metadata; null where it published none, or is no data NFT (DESIGN §4.4). */
  latestMetadata(nftAddress: string): Promise<OnChainMetadata | null>
  /** The metadata that this NFT published in a transaction (the last, if several); null where there is none. */
  metadataOfTransaction(transactionHash: string, nftAddress: string): Promise<OnChainMetadata | null>
  /** Whether the NFT says that it deployed this datatoken. */
  isDatatokenOf(nftAddress: string, datatokenAddress: string): Promise<boolean>
  /** Whether the factory made this NFT. Throws ConfigError where no factory is configured. */
  isFactoryNft(nftAddress: string): Promise<boolean>
  /** The checksummed owner of a data NFT; null where it is none. */
  nftOwner(nftAddress: string): Promise<string | null>
  /** Decimals of an ERC-20 token, remembered. Throws ConfigError where it is no token: fee tokens are configured. */
  tokenDecimals(tokenAddress: string): Promise<number>
  /** Epoch seconds of the newest block: what "now" means to orders. */
  latestBlockTimestamp(): Promise<number>
  /** Resolves when the endpoint answers and serves this chain. */
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
const ZERO_ADDRESS = `0x${'0'.repeat(40)}`

/** Holds the connection to one chain. Addresses go in in any casing and come out checksummed. */
export function createChainClient(options: ChainClientOptions): ChainClient {
  const { chainId, startBlock = 0 } = options
  const factoryAddress = options.factoryAddress && checksumAddress(options.factoryAddress)
  const rpc = createChainRpc(options)
  const decimalsByToken = new Map<string, number>()

  const withState = async (nft: string, logs: readonly MinedLog[]): Promise<OnChainMetadata | null> => {
    const found = findLastMetadata(logs, nft)
    if (!found) return null
    const state = await rpc.call({ contract: dataNftInterface, address: nft, name: 'getMetaData', resultIndex: 2 })
    if (state === null) return null
    const { transactionHash, blockNumber } = found.log
    return { ...found.event, state: Number(state), transactionHash: transactionHash.toLowerCase(), blockNumber }
  }

  const minedOrder = async (hash: string, datatoken: string): Promise<OrderReceipt | null> =>
    rpc.read(async (provider) => {
      const receipt = await provider.getTransactionReceipt(hash)
      const block = receipt && (await provider.getBlock(receipt.blockHash))
      return receipt && block && buildOrderReceipt(receipt, block.timestamp, datatoken)
    })

  return {
    chainId,
    latestMetadata: async (nftAddress) => {
      const address = checksumAddress(nftAddress)
      const topics = [
        ['MetadataCreated', 'MetadataUpdated'].map((name) => dataNftInterface.getEvent(name)?.topicHash ?? name),
      ]
      const logs = await rpc.read((provider) =>
        provider.getLogs({ address, topics, fromBlock: startBlock, toBlock: 'latest' }),
      )
      return withState(address, logs)
    },
    metadataOfTransaction: async (transactionHash, nftAddress) => {
      const address = checksumAddress(nftAddress)
      if (!isTransactionHash(transactionHash)) return null
      const receipt = await rpc.read((provider) => provider.getTransactionReceipt(transactionHash))
      return receipt?.status === 1 ? withState(address, receipt.logs) : null
    },
    isDatatokenOf: async (nftAddress, datatokenAddress) => {
      const args = [checksumAddress(datatokenAddress)]
      const address = checksumAddress(nftAddress)
      return (await rpc.call({ contract: dataNftInterface, address, name: 'isDeployed', args })) === true
    },
    isFactoryNft: async (nftAddress) => {
      const nft = checksumAddress(nftAddress)
      if (!factoryAddress) throw new ConfigError([`chain ${chainId}: the address of the ERC721Factory is missing`])
      const view = { contract: factoryInterface, address: factoryAddress, name: 'erc721List', args: [nft] }
      const listed = await rpc.call(view)
      // The list answers zero for what it does not know, and so would know the zero address.
      return typeof listed === 'string' && listed !== ZERO_ADDRESS && isSameAddress(listed, nft)
    },
    nftOwner: async (nftAddress) => {
      const address = checksumAddress(nftAddress)
      const owner = await rpc.call({ contract: dataNftInterface, address, name: 'ownerOf', args: [NFT_TOKEN_ID] })
      return typeof owner === 'string' ? owner : null
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
    latestBlockTimestamp: async () => {
      const block = await rpc.read((provider) => provider.getBlock('latest'))
      if (block) return block.timestamp
      throw new AppError('UpstreamUnavailable', { detail: `The chain ${chainId} has no newest block.` })
    },
    isReady: async () => {
      const served = Number(await rpc.read((provider) => provider.send('eth_chainId', []) as Promise<unknown>))
      if (served === chainId) return
      const detail = `The endpoint of chain ${chainId} serves chain ${served}.`
      throw new AppError('UpstreamUnavailable', { detail })
    },
    loadOrder: async (transactionHash, datatokenAddress, { timeoutMs }) => {
      const datatoken = checksumAddress(datatokenAddress)
      if (!isTransactionHash(transactionHash)) return null
      return waitFor(() => minedOrder(transactionHash, datatoken), { intervalMs: RECEIPT_POLL_MS, timeoutMs })
    },
    close: () => rpc.close(),
  }
}

function isTransactionHash(text: string): boolean {
  return transactionHashSchema.safeParse(text).success
}
