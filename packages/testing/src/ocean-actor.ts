import { createRequire } from 'node:module'
import type { ProviderFee } from '@c2d/contracts'
import { devWallet } from '@c2d/dev-servers'
import {
  Contract,
  ContractFactory,
  JsonRpcProvider,
  ZeroAddress,
  type ContractTransactionResponse,
  type InterfaceAbi,
  type Log,
} from 'ethers'

const load = createRequire(import.meta.url)
const abiOf = (path: string) =>
  (load(`@oceanprotocol/contracts/artifacts/contracts/${path}.json`) as { abi: InterfaceAbi }).abi

const TOPICS_THEN_DATA = {
  // Copies what follows the topics in the call data to memory and logs it under them.
  2: '60203560003560403603806040600037 6000a200',
  3: '60403560203560003560603603806060600037 6000a300',
} as const

/** One account of the development chain, doing what publishers and consumers do. */
export function createOceanActor(rpcUrl: string, factoryAddress: string, accountIndex: number) {
  const provider = new JsonRpcProvider(rpcUrl, 8996, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 20 })
  const wallet = devWallet(accountIndex).connect(provider)
  const contract = (path: string, address: string) => new Contract(address, abiOf(path), wallet)
  const factory = contract('ERC721Factory.sol/ERC721Factory', factoryAddress)

  const send = async (target: Contract, name: string, ...args: unknown[]) => {
    const response = (await target.getFunction(name)(...args)) as ContractTransactionResponse
    const receipt = await response.wait()
    if (!receipt) throw new Error(`${name} was not mined`)
    return receipt
  }
  const nft = (address: string) => contract('templates/ERC721Template.sol/ERC721Template', address)
  const datatoken = (address: string) => contract('templates/ERC20Template.sol/ERC20Template', address)
  const token = (address: string) => contract('utils/OceanToken.sol/OceanToken', address)

  const deploy = async (runtime: string): Promise<string> => {
    const code = runtime.replaceAll(' ', '')
    const length = (code.length / 2).toString(16).padStart(4, '0')
    const contract = await new ContractFactory([], `0x61${length}80600c6000396000f3${code}`, wallet).deploy()
    await contract.waitForDeployment()
    return contract.getAddress()
  }

  return {
    address: wallet.address,
    /** Puts a contract of this code, in hex with blanks, on the chain; gives its address. */
    deploy,
    /** Calls the node itself, for what only a development chain does. */
    rpc: (method: string, ...params: unknown[]) => provider.send(method, params) as Promise<unknown>,
    /** A data NFT with one datatoken of template 1. */
    publish: async (): Promise<{ nft: string; datatoken: string }> => {
      const nftData = { name: 'N', symbol: 'N', templateIndex: 1, tokenURI: '', transferable: true }
      const datatokenData = { templateIndex: 1, strings: ['D', 'D'], uints: [10n ** 24n, 0n], bytess: [] }
      const addresses = [wallet.address, ZeroAddress, ZeroAddress, ZeroAddress]
      const receipt = await send(
        factory,
        'createNftWithErc20',
        { ...nftData, owner: wallet.address },
        { ...datatokenData, addresses },
      )
      const created = (event: string) =>
        receipt.logs.map((log: Log) => factory.interface.parseLog(log)).find((log) => log?.name === event)
      return {
        nft: String(created('NFTCreated')?.args['newTokenAddress']),
        datatoken: String(created('TokenCreated')?.args['newTokenAddress']),
      }
    },
    setMetadata: async (nftAddress: string, data: Uint8Array, hash: string, state = 0) =>
      (await send(nft(nftAddress), 'setMetaData', state, 'http://decryptor', '', '0x02', data, hash, [])).hash,
    setState: (nftAddress: string, state: number) => send(nft(nftAddress), 'setMetaDataState', state),
    mintDatatoken: (address: string, to: string) => send(datatoken(address), 'mint', to, 10n ** 19n),
    transferToken: (address: string, to: string, amountWei: bigint) => send(token(address), 'transfer', to, amountWei),
    approve: (address: string, spender: string, amountWei: bigint) =>
      send(token(address), 'approve', spender, amountWei),
    order: async (address: string, consumer: string, serviceIndex: number, providerFee: ProviderFee) =>
      (await send(datatoken(address), 'startOrder', consumer, serviceIndex, providerFee, noMarketFee())).hash,
    orderMany: async (orders: { datatoken: string; consumer: string; providerFee: ProviderFee }[]) => {
      const requests = orders.map(({ datatoken: tokenAddress, consumer, providerFee }) => ({
        tokenAddress,
        consumer,
        serviceIndex: 0,
        _providerFee: providerFee,
        _consumeMarketFee: noMarketFee(),
      }))
      return (await send(factory, 'startMultipleTokenOrder', requests)).hash
    },
    reuse: async (address: string, orderTxId: string, providerFee: ProviderFee) =>
      (await send(datatoken(address), 'reuseOrder', orderTxId, providerFee)).hash,
    /** Has a contract of nobody emit a log with these topics and data. */
    forge: async ({ topics, data }: { topics: string[]; data: string }) => {
      const to = await deploy(TOPICS_THEN_DATA[topics.length as 2 | 3])
      const callData = `0x${[...topics, data].map((part) => part.slice(2)).join('')}`
      const response = await wallet.sendTransaction({ to, data: callData })
      const receipt = await response.wait()
      return { address: to, transactionHash: response.hash, logCount: receipt?.logs.length ?? 0 }
    },
    close: () => provider.destroy(),
  }
}
export type OceanActor = ReturnType<typeof createOceanActor>

const noMarketFee = () => ({
  consumeMarketFeeAddress: ZeroAddress,
  consumeMarketFeeToken: ZeroAddress,
  consumeMarketFeeAmount: 0n,
})
