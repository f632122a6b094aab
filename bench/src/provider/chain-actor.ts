import { devWallet } from '@c2d/dev-servers'
import type { ProviderFee } from '@c2d/contracts'
import { Contract, Interface, JsonRpcProvider, NonceManager, type TransactionReceipt } from 'ethers'

const FEE =
  '(address providerFeeAddress, address providerFeeToken, uint256 providerFeeAmount, uint8 v, bytes32 r, bytes32 s, uint256 validUntil, bytes providerData)'
const MARKET_FEE = '(address consumeMarketFeeAddress, address consumeMarketFeeToken, uint256 consumeMarketFeeAmount)'

const CONTRACTS = new Interface([
  'event NFTCreated(address newTokenAddress, address indexed templateAddress, string tokenName, address indexed admin, string symbol, string tokenURI, bool transferable, address indexed creator)',
  'event TokenCreated(address indexed newTokenAddress, address indexed templateAddress, string name, string symbol, uint256 cap, address creator)',
  'function createNftWithErc20((string name, string symbol, uint256 templateIndex, string tokenURI, bool transferable, address owner) nft, (uint256 templateIndex, string[] strings, address[] addresses, uint256[] uints, bytes[] bytess) erc20)',
  'function setMetaData(uint8 state, string decryptorUrl, string decryptorAddress, bytes flags, bytes data, bytes32 hash, (address validatorAddress, uint8 v, bytes32 r, bytes32 s)[] proofs)',
  'function mint(address to, uint256 amount)',
  `function startOrder(address consumer, uint256 serviceIndex, ${FEE} providerFee, ${MARKET_FEE} marketFee)`,
])

const NOBODY = '0x0000000000000000000000000000000000000000'
const ENCRYPTED = '0x02'

/** A development account that sends transactions to Ocean's contracts. */
export interface ChainActor {
  address: string
  key: string
  createTokens(): Promise<{ nft: string; datatoken: string }>
  /** Publishes an encrypted document and the hash of its text. */
  setMetadata(nft: string, metadata: { data: Uint8Array; hash: string }): Promise<void>
  mint(datatoken: string, to: string, amountWei: bigint): Promise<void>
  /** Pays one datatoken, where the provider asks for no fee; gives the transaction's hash. */
  startOrder(datatoken: string, consumer: string, fee: ProviderFee): Promise<string>
  close(): Promise<void>
}

/** Connects the development account with this index. */
export function createChainActor(
  chain: { rpcUrl: string; chainId: number; factoryAddress: string },
  index: number,
): ChainActor {
  const provider = new JsonRpcProvider(chain.rpcUrl, chain.chainId, { staticNetwork: true, cacheTimeout: -1 })
  provider.pollingInterval = 20
  const wallet = devWallet(index)
  const signer = new NonceManager(wallet.connect(provider))

  async function send(to: string, method: string, ...args: unknown[]): Promise<TransactionReceipt> {
    const sent = (await new Contract(to, CONTRACTS, signer).getFunction(method).send(...args)) as {
      wait(): Promise<TransactionReceipt>
    }
    return sent.wait()
  }

  return {
    address: wallet.address,
    key: wallet.privateKey,
    async createTokens() {
      const receipt = await send(
        chain.factoryAddress,
        'createNftWithErc20',
        { name: 'n', symbol: 'N', templateIndex: 1, tokenURI: '', transferable: true, owner: wallet.address },
        {
          templateIndex: 1,
          strings: ['dt', 'DT'],
          addresses: [wallet.address, NOBODY, NOBODY, NOBODY],
          uints: [10n ** 24n, 0],
          bytess: [],
        },
      )
      const events = receipt.logs.map((log) => CONTRACTS.parseLog(log))
      const created = (name: string): string =>
        String(events.find((event) => event?.name === name)?.args['newTokenAddress'])
      return { nft: created('NFTCreated'), datatoken: created('TokenCreated') }
    },
    async setMetadata(nft, { data, hash }) {
      await send(nft, 'setMetaData', 0, 'http://provider.bench', '', ENCRYPTED, data, hash, [])
    },
    async mint(datatoken, to, amountWei) {
      await send(datatoken, 'mint', to, amountWei)
    },
    async startOrder(datatoken, consumer, fee) {
      if (fee.providerFeeAmount !== '0') throw new Error(`a fee is asked for: ${fee.providerFeeAmount}`)
      const noMarketFee = {
        consumeMarketFeeAddress: NOBODY,
        consumeMarketFeeToken: NOBODY,
        consumeMarketFeeAmount: 0,
      }
      return (await send(datatoken, 'startOrder', consumer, 0, fee, noMarketFee)).hash
    },
    close: async () => provider.destroy(),
  }
}
