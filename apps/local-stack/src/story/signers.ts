import type { DevAccount } from '@c2d/dev-servers'
// ocean.js 3 takes signers of ethers 5 only.
import { providers, utils, Wallet, type Signer } from 'ethers-v5'

// A development chain mines at once; the default, 4 s, is for chains that do not.
const POLLING_MS = 20

/** A development account as ocean.js wants it. */
export function createSigner(account: DevAccount, options: { rpcUrl: string; chainId: number }): Signer {
  const rpc = new providers.StaticJsonRpcProvider(options.rpcUrl, options.chainId)
  rpc.pollingInterval = POLLING_MS
  return new Wallet(account.publishedPrivateKey, rpc)
}

/**
 * Makes new fee tokens: the owner of the development chain's OCEAN can.
 * @param amountWei decimal
 */
export async function mintTokens(token: string, owner: Signer, to: string, amountWei: string): Promise<void> {
  const data = new utils.Interface(['function mint(address to, uint256 amount)']).encodeFunctionData('mint', [
    to,
    amountWei,
  ])
  const transaction = await owner.sendTransaction({ to: token, data })
  await transaction.wait()
}
