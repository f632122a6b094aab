import { devWallet } from '@c2d/dev-servers'
import type { ProviderFee } from '@c2d/contracts'
import type { TestChain } from '@c2d/testing'
import { Contract, Interface, JsonRpcProvider, NonceManager, type TransactionReceipt } from 'ethers'

const FEE_TUPLE =
  '(address providerFeeAddress, address providerFeeToken, uint256 providerFeeAmount, uint8 v, bytes32 r, bytes32 s, uint256 validUntil, bytes providerData)'
const MARKET_TUPLE = '(address consumeMarketFeeAddress, address consumeMarketFeeToken, uint256 consumeMarketFeeAmount)'

/** What publishers and consumers send to Ocean's contracts. */
const abi = new Interface([
  'event NFTCreated(address newTokenAddress, address indexed templateAddress, string tokenName, address indexed admin, string symbol, string tokenURI, bool transferable, address indexed creator)',
  'event TokenCreated(address indexed newTokenAddress, address indexed templateAddress, string name, string symbol, uint256 cap, address creator)',
  'function createNftWithErc20((string name, string symbol, uint256 templateIndex, string tokenURI, bool transferable, address owner) nft, (uint256 templateIndex, string[] strings, address[] addresses, uint256[] uints, bytes[] bytess) erc20)',
  `function startMultipleTokenOrder((address tokenAddress, address consumer, uint256 serviceIndex, ${FEE_TUPLE} _providerFee, ${MARKET_TUPLE} _consumeMarketFee)[] orders)`,
  'function setMetaData(uint8 state, string decryptorUrl, string decryptorAddress, bytes flags, bytes data, bytes32 hash, (address validatorAddress, uint8 v, bytes32 r, bytes32 s)[] proofs)',
  'function setMetaDataState(uint8 state)',
  'function mint(address to, uint256 amount)',
  'function approve(address spender, uint256 amount)',
  `function startOrder(address consumer, uint256 serviceIndex, ${FEE_TUPLE} providerFee, ${MARKET_TUPLE} consumeMarketFee)`,
  `function reuseOrder(bytes32 orderTxId, ${FEE_TUPLE} providerFee)`,
])

const ZERO = '0x0000000000000000000000000000000000000000'
const NO_MARKET_FEE = { consumeMarketFeeAddress: ZERO, consumeMarketFeeToken: ZERO, consumeMarketFeeAmount: 0 }

/** One order of several in a transaction. */
export interface BundledOrder {
  datatoken: string
  consumer: string
  serviceIndex: number
  fee: ProviderFee
}

/** One development account that sends transactions. */
export interface ChainActor {
  address: string
  key: string
  /** @param template of the datatoken: 1 is the plain one, 2 Enterprise */
  createNft(template?: 1 | 2): Promise<{ nft: string; datatoken: string }>
  setMetadata(nft: string, metadata: { flags: number; data: Uint8Array; hash: string; state?: number }): Promise<string>
  setState(nft: string, state: number): Promise<void>
  mint(token: string, to: string, amountWei: bigint): Promise<void>
  /** Pays with a datatoken and the fee; gives the transaction's hash. */
  startOrder(datatoken: string, order: { consumer: string; serviceIndex?: number; fee: ProviderFee }): Promise<string>
  /** The same through the factory, which then is the payer. */
  startBundledOrder(datatoken: string, order: { consumer: string; fee: ProviderFee }): Promise<string>
  /** Several orders in one transaction through the factory. */
  startBundle(orders: BundledOrder[]): Promise<string>
  reuseOrder(datatoken: string, orderTxId: string, fee: ProviderFee): Promise<string>
  /** Counts its transactions anew, after the chain went back. */
  resync(): void
  close(): void
}

/** Connects the development account with this index. */
export function createChainActor(chain: TestChain, index: number): ChainActor {
  const provider = new JsonRpcProvider(chain.rpcUrl, 8996, {
    staticNetwork: true,
    cacheTimeout: -1,
    polling: true,
    pollingInterval: 20,
  })
  const wallet = devWallet(index)
  const signer = new NonceManager(wallet.connect(provider))
  const { ERC721Factory: factory } = chain.addresses

  async function send(to: string, method: string, ...args: unknown[]): Promise<TransactionReceipt> {
    const transaction = (await new Contract(to, abi, signer).getFunction(method).send(...args)) as {
      wait(): Promise<TransactionReceipt>
    }
    return transaction.wait()
  }

  function created(receipt: TransactionReceipt, event: string): string {
    for (const log of receipt.logs) {
      const parsed = abi.parseLog(log)
      if (parsed?.name === event) return String(parsed.args['newTokenAddress'])
    }
    throw new Error(`no ${event} in ${receipt.hash}`)
  }

  async function payFee(fee: ProviderFee, spender: string): Promise<void> {
    if (BigInt(fee.providerFeeAmount) > 0n) await send(fee.providerFeeToken, 'approve', spender, fee.providerFeeAmount)
  }

  async function startBundle(orders: BundledOrder[]): Promise<string> {
    const spent = new Map<string, bigint>()
    for (const { datatoken } of orders) spent.set(datatoken, (spent.get(datatoken) ?? 0n) + 10n ** 18n)
    for (const [datatoken, amountWei] of spent) await send(datatoken, 'approve', factory, amountWei)
    const bundle = orders.map(({ datatoken, consumer, serviceIndex, fee }) => ({
      tokenAddress: datatoken,
      consumer,
      serviceIndex,
      _providerFee: fee,
      _consumeMarketFee: NO_MARKET_FEE,
    }))
    return (await send(factory, 'startMultipleTokenOrder', bundle)).hash
  }

  return {
    address: wallet.address,
    key: wallet.privateKey,
    async createNft(template = 1) {
      const receipt = await send(
        factory,
        'createNftWithErc20',
        { name: 'n', symbol: 'N', templateIndex: 1, tokenURI: '', transferable: true, owner: wallet.address },
        {
          templateIndex: template,
          strings: ['dt', 'DT'],
          addresses: [wallet.address, ZERO, ZERO, ZERO],
          uints: [10n ** 24n, 0],
          bytess: [],
        },
      )
      return { nft: created(receipt, 'NFTCreated'), datatoken: created(receipt, 'TokenCreated') }
    },
    async setMetadata(nft, { flags, data, hash, state = 0 }) {
      const flagByte = `0x${flags.toString(16).padStart(2, '0')}`
      return (await send(nft, 'setMetaData', state, 'http://provider', '', flagByte, data, hash, [])).hash
    },
    async setState(nft, state) {
      await send(nft, 'setMetaDataState', state)
    },
    async mint(token, to, amountWei) {
      await send(token, 'mint', to, amountWei)
    },
    async startOrder(datatoken, { consumer, serviceIndex = 0, fee }) {
      await payFee(fee, datatoken)
      return (await send(datatoken, 'startOrder', consumer, serviceIndex, fee, NO_MARKET_FEE)).hash
    },
    startBundledOrder: (datatoken, order) => startBundle([{ datatoken, serviceIndex: 0, ...order }]),
    startBundle,
    async reuseOrder(datatoken, orderTxId, fee) {
      await payFee(fee, datatoken)
      return (await send(datatoken, 'reuseOrder', orderTxId, fee)).hash
    },
    resync: () => signer.reset(),
    close: () => provider.destroy(),
  }
}
