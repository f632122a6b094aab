import { createRequire } from 'node:module'
import type { ProviderFee, Quote } from '@c2d/contracts'
import type { ChainActor } from './chain-actor.ts'

/** An ethers 5 signer, which ocean.js needs; nobody looks inside. */
type Signer = object

/** What initializeCompute is answered with. */
export interface ComputeQuotes {
  datasets: Quote[]
  algorithm?: Quote
}

/** A job as ocean.js's callers read it. */
interface OceanJob {
  jobId: string
  agreementId: string
  status: number
}

/** Every call of `ProviderInstance` that asks a provider. */
interface OceanProvider {
  isValidProvider(url: string): Promise<boolean>
  getNonce(url: string, address: string): Promise<number>
  encrypt(data: unknown, chainId: number, url: string): Promise<string>
  getFileInfo(file: unknown, url: string, checksum?: boolean): Promise<Record<string, unknown>[]>
  checkDidFiles(did: string, serviceId: string, url: string, checksum?: boolean): Promise<Record<string, unknown>[]>
  getComputeEnvironments(
    url: string,
  ): Promise<Record<string, { id: string; priceMin: number; consumerAddress: string; feeToken: string }[]>>
  initialize(
    did: string,
    serviceId: string,
    fileIndex: number,
    consumer: string,
    url: string,
    signal?: AbortSignal,
    userdata?: unknown,
    environment?: string,
    validUntil?: number,
  ): Promise<Quote>
  initializeCompute(
    datasets: unknown[],
    algorithm: unknown,
    environment: string,
    validUntil: number,
    url: string,
    consumer: string,
  ): Promise<ComputeQuotes>
  getDownloadUrl(
    did: string,
    serviceId: string,
    fileIndex: number,
    tx: string,
    url: string,
    signer: Signer,
    userdata?: unknown,
  ): Promise<string>
  computeStart(
    url: string,
    signer: Signer,
    environment: string,
    dataset: unknown,
    algorithm: unknown,
    signal?: AbortSignal,
    additionalDatasets?: unknown[],
    output?: unknown,
  ): Promise<OceanJob[] | null>
  computeStatus(url: string, consumer: string, jobId?: string, agreementId?: string): Promise<OceanJob[]>
  computeStop(
    did: string,
    consumer: string,
    jobId: string,
    url: string,
    signer: Signer,
    agreementId?: string,
  ): Promise<OceanJob[]>
  computeDelete(did: string, signer: Signer, jobId: string, url: string): Promise<unknown>
  getComputeResultUrl(url: string, signer: Signer, jobId: string, index: number): Promise<string>
}

interface SentTransaction {
  wait(): Promise<{ transactionHash: string }>
}

interface OceanDatatoken {
  startOrder(datatoken: string, consumer: string, serviceIndex: number, fee: ProviderFee): Promise<SentTransaction>
  reuseOrder(datatoken: string, orderTxId: string, fee: ProviderFee): Promise<SentTransaction>
}

/** The published package; its ES module build cannot be imported in Node. */
interface OceanLibrary {
  ProviderInstance: OceanProvider
  Datatoken: new (signer: Signer, chainId: number) => OceanDatatoken
  approveWei(
    signer: Signer,
    config: undefined,
    account: string,
    token: string,
    spender: string,
    amountWei: string,
  ): Promise<SentTransaction | number | null>
  downloadFile(url: string): Promise<{ data: ArrayBuffer; filename: string }>
}

const require = createRequire(import.meta.url)
const requireOfOcean = createRequire(require.resolve('@oceanprotocol/lib'))
const ethers5 = requireOfOcean('ethers') as {
  Wallet: new (key: string, provider: unknown) => Signer
  providers: { StaticJsonRpcProvider: new (url: string, chainId: number) => unknown }
}

/** ocean.js 3.4.6 as its users have it. */
export const ocean = require('@oceanprotocol/lib') as OceanLibrary

/** A consumer who does everything with ocean.js, orders included: no other client may send from this account. */
export interface OceanConsumer {
  address: string
  signer: Signer
  /** Pays as the library's compute examples do: approves whatever amount is not empty, then orders. */
  order(datatoken: string, quote: Quote | undefined, consumer: string): Promise<string>
  /** Pays an item of a compute quote: nothing, the fee alone, or a whole order. */
  settle(datatoken: string, quote: Quote | undefined, consumer: string): Promise<string>
}

/** Makes a consumer of a development account. */
export function createOceanConsumer(rpcUrl: string, account: Pick<ChainActor, 'address' | 'key'>): OceanConsumer {
  const { Wallet, providers } = ethers5
  const signer = new Wallet(account.key, new providers.StaticJsonRpcProvider(rpcUrl, 8996))
  const datatokens = new ocean.Datatoken(signer, 8996)
  const { address } = account

  async function approve(datatoken: string, fee: ProviderFee): Promise<void> {
    if (!fee.providerFeeAmount) return // the text "0" goes on, as in the library's own code
    const { providerFeeToken, providerFeeAmount } = fee
    const sent = await ocean.approveWei(signer, undefined, address, providerFeeToken, datatoken, providerFeeAmount)
    if (sent !== null && typeof sent === 'object') await sent.wait()
  }

  return {
    address,
    signer,
    async order(datatoken, quote, consumer) {
      if (!quote?.providerFee) throw new Error(`no fee in ${JSON.stringify(quote)}`)
      await approve(datatoken, quote.providerFee)
      const sent = await datatokens.startOrder(datatoken, consumer, 0, quote.providerFee)
      return (await sent.wait()).transactionHash
    },
    async settle(datatoken, quote, consumer) {
      if (!quote?.validOrder) return this.order(datatoken, quote, consumer)
      if (!quote.providerFee) return quote.validOrder
      await approve(datatoken, quote.providerFee)
      const sent = await datatokens.reuseOrder(datatoken, quote.validOrder, quote.providerFee)
      return (await sent.wait()).transactionHash
    },
  }
}
