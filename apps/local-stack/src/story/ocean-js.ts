import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { format } from 'node:util'
import type { Signer } from 'ethers-v5'
import { publishAddressFile } from '../config.ts'

// ocean.js 3.4.6 ships types that resolve neither under NodeNext nor against ethers 6, and an ESM bundle that Node
// cannot load (reference: ocean.js §1). So it is required, and what we use of it is stated here.

/** A transaction that was sent, and mined. */
export interface OceanTransaction {
  readonly hash: string
  wait(): Promise<{ readonly transactionHash: string; readonly status?: number }>
}

/** The fee that the provider signed: handed to the contract as it came. */
interface OceanProviderFee {
  readonly providerFeeToken: string
  readonly providerFeeAmount: string
  readonly validUntil: number
}

/** What one item of an order costs: a new order, a reused one, or nothing. */
export interface OceanQuote {
  readonly datatoken?: string
  readonly providerFee?: OceanProviderFee
  readonly validOrder?: string
}

/** An environment in which jobs run. */
export interface OceanEnvironment {
  readonly id: string
  readonly priceMin: number
  readonly consumerAddress: string
}

/** A job as an unsigned status shows it. */
export interface OceanJob {
  readonly jobId: string
  readonly status: number
  readonly statusText: string
  readonly dateFinished: string | null
  readonly results: '' | readonly { readonly type: string; readonly index?: number }[]
}

/** A dataset or algorithm in a compute request. */
interface OceanComputeAsset {
  readonly documentId: string
  readonly serviceId: string
  readonly transferTxId?: string
}

interface OceanProvider {
  encrypt(data: unknown, chainId: number, providerUri: string): Promise<string>
  checkDidFiles(
    did: string,
    serviceId: string,
    providerUri: string,
    withChecksum: boolean,
  ): Promise<{ valid: boolean; checksum?: string }[]>
  getComputeEnvironments(providerUri: string): Promise<Record<number, OceanEnvironment[]>>
  initializeCompute(
    datasets: OceanComputeAsset[],
    algorithm: OceanComputeAsset,
    environmentId: string,
    validUntil: number,
    providerUri: string,
    consumerAddress: string,
  ): Promise<{ datasets: OceanQuote[]; algorithm: OceanQuote }>
  computeStart(
    providerUri: string,
    consumer: Signer,
    environmentId: string,
    dataset: OceanComputeAsset,
    algorithm: OceanComputeAsset,
    signal?: AbortSignal,
    additionalDatasets?: OceanComputeAsset[],
    output?: object,
  ): Promise<OceanJob[] | null>
  initialize(
    did: string,
    serviceId: string,
    fileIndex: number,
    consumerAddress: string,
    providerUri: string,
  ): Promise<{ readonly providerFee: OceanProviderFee }>
  getDownloadUrl(
    did: string,
    serviceId: string,
    fileIndex: number,
    transferTxId: string,
    providerUri: string,
    signer: Signer,
  ): Promise<string>
  computeStop(
    did: string,
    consumerAddress: string,
    jobId: string,
    providerUri: string,
    signer: Signer,
  ): Promise<unknown>
  computeStatus(providerUri: string, consumerAddress: string, jobId: string): Promise<OceanJob[]>
  getComputeResultUrl(providerUri: string, consumer: Signer, jobId: string, index: number): Promise<string>
  getNonce(providerUri: string, consumerAddress: string): Promise<number>
  signProviderRequest(signer: Signer, message: string): Promise<string>
}

interface OceanFactory {
  createNftWithDatatoken(nft: object, datatoken: object): Promise<OceanTransaction | null>
}

interface OceanNft {
  setMetadata(
    nftAddress: string,
    senderAddress: string,
    state: number,
    decryptorUrl: string,
    decryptorAddress: string,
    flags: string,
    data: string,
    hash: string,
    proofs: object[],
  ): Promise<OceanTransaction | null>
}

interface OceanDatatoken {
  addMinter(datatoken: string, sender: string, minter: string): Promise<OceanTransaction | null>
  mint(datatoken: string, sender: string, amount: string, to: string): Promise<OceanTransaction | null>
  startOrder(
    datatoken: string,
    consumer: string,
    serviceIndex: number,
    fee: OceanProviderFee,
  ): Promise<OceanTransaction | null>
}

interface OceanAquarius {
  validate(document: object): Promise<{ valid: boolean; hash?: string; proof?: object; errors?: unknown }>
  waitForIndexer(did: string, transactionId?: string, signal?: AbortSignal, intervalMs?: number): Promise<object | null>
}

/** What the demonstration uses of `@oceanprotocol/lib` 3.4.6. */
interface OceanJs {
  readonly ProviderInstance: OceanProvider
  readonly NftFactory: new (address: string, signer: Signer, chainId: number) => OceanFactory
  readonly Nft: new (signer: Signer, chainId: number) => OceanNft
  readonly Datatoken: new (signer: Signer, chainId: number) => OceanDatatoken
  readonly Aquarius: new (url: string) => OceanAquarius
  readonly LoggerInstance: { error(...args: unknown[]): void; warn(...args: unknown[]): void }
  generateDid(nftAddress: string, chainId: number): string
  getEventFromTx(receipt: object, name: string): { readonly args: { readonly newTokenAddress: string } } | undefined
  approveWei(
    signer: Signer,
    config: undefined,
    account: string,
    token: string,
    spender: string,
    amountWei: string,
  ): Promise<OceanTransaction | null>
  balance(signer: Signer, token: string, account: string): Promise<string>
  downloadFile(url: string, index: number): Promise<{ readonly data: ArrayBuffer; readonly filename: string }>
}

/** The client, and its words. */
export interface OceanClient {
  readonly ocean: OceanJs
  /** The version that is installed. */
  readonly version: string
  /** What it said last: it logs why a call failed, and returns null. */
  readonly lastWords: () => string
}

/**
 * Loads ocean.js as it is published. Its log goes to `write` instead of the terminal: it complains about harmless things
 * ("No config found for given network 'undefined'").
 */
export function loadOceanJs(options: { addressFile: string; write: (line: string) => void }): OceanClient {
  publishAddressFile(options.addressFile)
  const require = createRequire(import.meta.url)
  const ocean = require('@oceanprotocol/lib') as OceanJs
  // Its exports hide the manifest from `require`.
  const manifest = join(dirname(require.resolve('@oceanprotocol/lib')), '..', 'package.json')
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  let lastWords = ''
  const keep = (...args: unknown[]): void => {
    if (args[0] === 'Payload was:') return // it holds a signature
    lastWords = format(...args)
    options.write(lastWords)
  }
  ocean.LoggerInstance.error = keep
  ocean.LoggerInstance.warn = keep
  // It tells every nonce by console.log, which nobody else here uses.
  Object.assign(console, {
    log: (...args: unknown[]) => {
      options.write(format(...args))
    },
  })
  return { ocean, version, lastWords: () => lastWords }
}
