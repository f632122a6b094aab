import { devWallet } from '@c2d/dev-servers'
import { JsonRpcProvider } from 'ethers'
import type { TestChain } from '@c2d/testing'

/**
 * The code of an account that knows one key's signatures as its own (ERC-1271): `isValidSignature(bytes32, bytes)`
 * recovers the signer and answers the magic value if it is the owner, else zero.
 */
function walletCode(owner: string): string {
  return [
    '600435600052', // memory 00: the hash
    '60a43560f81c602052', // memory 20: v
    '606435604052', // memory 40: r
    '608435606052', // memory 60: s
    '602060806080600060015afa50', // memory 80: ecrecover of them
    `60805173${owner.slice(2).toLowerCase()}14`, // is it the owner?
    '631626ba7e60e01b02', // then the magic value
    '60005260206000f3',
  ].join('')
}

/** The code of an account that thinks until its gas is used up. */
export const ENDLESS_CODE = '5b600056'

/** Deploys an account that knows this owner's signatures. */
export function deployWallet(chain: TestChain, owner: string): Promise<string> {
  return deployCode(chain, walletCode(owner))
}

/**
 * Deploys code as it is.
 * @returns the checksummed address
 */
export async function deployCode(chain: TestChain, code: string): Promise<string> {
  const provider = new JsonRpcProvider(chain.rpcUrl, 8996, {
    staticNetwork: true,
    cacheTimeout: -1,
    pollingInterval: 20,
  })
  try {
    const length = (code.length / 2).toString(16).padStart(2, '0')
    const signer = devWallet(7).connect(provider)
    const sent = await signer.sendTransaction({ data: `0x60${length}600c60003960${length}6000f3${code}` })
    const address = (await sent.wait())?.contractAddress
    if (!address) throw new Error('nothing was deployed')
    return address
  } finally {
    provider.destroy()
  }
}
