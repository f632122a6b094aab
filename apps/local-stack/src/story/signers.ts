import { createRequire } from 'node:module'
import type { DevAccount } from '@c2d/dev-servers'
import type { OceanSigner } from './ocean-js.ts'

interface EthersV5 {
  readonly providers: {
    readonly StaticJsonRpcProvider: new (url: string, chainId: number) => { pollingInterval: number }
  }
  readonly Wallet: new (privateKey: string, provider: object) => OceanSigner
  readonly Contract: new (address: string, abi: readonly string[], signer: OceanSigner) => TokenContract
}

interface TokenContract {
  mint(to: string, amountWei: string): Promise<{ wait(): Promise<unknown> }>
}

// A development chain mines at once; the default, 4 s, is for chains that do not.
const POLLING_MS = 20

// ocean.js 3 takes signers of ethers 5 only.
const ethers = createRequire(import.meta.url)('ethers-v5') as EthersV5

/** A development account as ocean.js wants it. */
export function createSigner(account: DevAccount, options: { rpcUrl: string; chainId: number }): OceanSigner {
  const rpc = new ethers.providers.StaticJsonRpcProvider(options.rpcUrl, options.chainId)
  rpc.pollingInterval = POLLING_MS
  return new ethers.Wallet(account.publishedPrivateKey, rpc)
}

/**
 * Makes new fee tokens: the owner of the development chain's OCEAN can.
 * @param amountWei decimal
 */
export async function mintTokens(token: string, owner: OceanSigner, to: string, amountWei: string): Promise<void> {
  const contract = new ethers.Contract(token, ['function mint(address to, uint256 amount)'], owner)
  const transaction = await contract.mint(to, amountWei)
  await transaction.wait()
}
