import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The contracts of a development chain: one network's entry of an Ocean address file (reference: local chain §3). */
export interface ContractAddresses {
  readonly chainId: number
  readonly Ocean: string
  readonly MockDAI: string
  readonly MockUSDC: string
  readonly OPFCommunityFeeCollector: string
  readonly Router: string
  readonly FixedPrice: string
  readonly Dispenser: string
  readonly ERC721Factory: string
  /** Datatoken templates by index: 1 plain, 2 enterprise. */
  readonly ERC20Template: { readonly '1': string; readonly '2': string }
  /** Data NFT templates by index. */
  readonly ERC721Template: { readonly '1': string }
  /** The block from which events are worth reading. */
  readonly startBlock: number
}

/** Writes the file that ocean.js and the provider read by `ADDRESS_FILE`. Readers never see half of it. */
export async function writeAddressFile(path: string, addresses: ContractAddresses): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const partial = `${path}.${process.pid}.partial`
  await writeFile(partial, `${JSON.stringify({ development: addresses }, undefined, 2)}\n`)
  await rename(partial, path)
}
