import { Contract, formatUnits, type JsonRpcProvider } from 'ethers'
import type { AssetFacts } from './asset-answer.ts'

const FACTORY_ABI = ['function erc721List(address) view returns (address)']
const NFT_ABI = [
  'function name() view returns (string)',
  'function symbol() view returns (string)',
  'function tokenURI(uint256) view returns (string)',
  'function ownerOf(uint256) view returns (address)',
]
const DATATOKEN_ABI = [
  'function name() view returns (string)',
  'function symbol() view returns (string)',
  'function getFixedRates() view returns ((address contractAddress, bytes32 id)[])',
]
const EXCHANGE_ABI = [
  'function getExchange(bytes32) view returns (address exchangeOwner, address datatoken, uint256 dtDecimals, address baseToken, uint256 btDecimals, uint256 fixedRate, bool active, uint256 dtSupply, uint256 btSupply, uint256 dtBalance, uint256 btBalance, bool withMint)',
]
const TOKEN_ID = 1 // a data NFT contract mints exactly one token

/** Questions about assets that the chain answers now. */
export interface ChainFacts {
  /** Whether the factory made this NFT: anyone can deploy a contract that emits the same events. */
  isGenuineNft(nftAddress: string): Promise<boolean>
  /** The NFT's own words and its present owner. */
  readNft(nftAddress: string): Promise<Pick<AssetFacts['nft'], 'name' | 'symbol' | 'tokenURI' | 'owner'>>
  /** A datatoken's own words. */
  readDatatoken(address: string): Promise<{ name: string; symbol: string }>
  /** The price of the first active fixed-rate exchange; 0 where there is none. */
  readPrice(datatokenAddress: string): Promise<AssetFacts['stats']['price']>
}

/** Reads facts of assets from the chain. */
export function createChainFacts(options: { factoryAddress: string }, deps: { rpc: JsonRpcProvider }): ChainFacts {
  const call = async (address: string, abi: string[], method: string, ...args: unknown[]): Promise<unknown> => {
    const contract = new Contract(address, abi, deps.rpc)
    return contract.getFunction(method).staticCall(...args)
  }
  const text = async (...args: Parameters<typeof call>): Promise<string> => String(await call(...args))

  return {
    isGenuineNft: async (nftAddress) =>
      (await text(options.factoryAddress, FACTORY_ABI, 'erc721List', nftAddress)) === nftAddress,
    readNft: async (nftAddress) => {
      const [name, symbol, tokenURI, owner] = await Promise.all([
        text(nftAddress, NFT_ABI, 'name'),
        text(nftAddress, NFT_ABI, 'symbol'),
        text(nftAddress, NFT_ABI, 'tokenURI', TOKEN_ID),
        text(nftAddress, NFT_ABI, 'ownerOf', TOKEN_ID),
      ])
      return { name, symbol, tokenURI, owner }
    },
    readDatatoken: async (address) => {
      const [name, symbol] = await Promise.all([
        text(address, DATATOKEN_ABI, 'name'),
        text(address, DATATOKEN_ABI, 'symbol'),
      ])
      return { name, symbol }
    },
    readPrice: async (datatokenAddress) => {
      const rates = (await call(datatokenAddress, DATATOKEN_ABI, 'getFixedRates')) as {
        contractAddress: string
        id: string
      }[]
      for (const { contractAddress, id } of rates) {
        const exchange = (await call(contractAddress, EXCHANGE_ABI, 'getExchange', id)) as {
          active: boolean
          baseToken: string
          btDecimals: bigint
          fixedRate: bigint
        }
        if (!exchange.active) continue
        const tokenSymbol = await text(exchange.baseToken, DATATOKEN_ABI, 'symbol')
        return { value: Number(formatUnits(exchange.fixedRate, 18)), tokenAddress: exchange.baseToken, tokenSymbol }
      }
      return { value: 0 }
    },
  }
}
