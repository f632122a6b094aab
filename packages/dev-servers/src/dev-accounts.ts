import { HDNodeWallet, Mnemonic } from 'ethers'

/** The mnemonic of every development chain. Published for years with Ocean's own tools: it protects nothing. */
export const DEV_MNEMONIC = 'taxi music thumb unique chat sand crew more leg another off lamp'

/** How many accounts of the mnemonic a development chain funds, with 10 000 ETH each. */
export const DEV_ACCOUNT_COUNT = 10

/** One published identity: its index below the mnemonic, its address, and its key, which is no secret. */
export interface DevAccount {
  readonly index: number
  readonly address: string
  readonly publishedPrivateKey: string
}

/** The development identities by role (reference: local chain §2). PUBLISHED KEYS: never fund them on a real network. */
export const DEV_ACCOUNTS = {
  /** Deploys the contracts and publishes assets. */
  publisher: {
    index: 0,
    address: '0xe2DD09d719Da89e5a3D0F2549c7E24566e947260',
    publishedPrivateKey: '0xc594c6e5def4bab63ac29eed19a134c130388f74f019bc74b8f4389df2837a58',
  },
  /** Orders and runs jobs. */
  consumer: {
    index: 1,
    address: '0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e',
    publishedPrivateKey: '0xef4b441145c1d0f3b4bc6d61d29f5c6e502359481152f869247c7a4244d45209',
  },
  /** The provider's own key, neither payer nor publisher. */
  provider: {
    index: 8,
    address: '0xe08A1dAe983BC701D05E492DB80e0144f8f4b909',
    publishedPrivateKey: '0xfd5c1ccea015b6d663618850824154a3b3fb2882c46cefb05b9a93fea8c3d215',
  },
} as const satisfies Record<string, DevAccount>

let account: HDNodeWallet | undefined

/** The wallet of account `index` (path m/44'/60'/0'/0/index), not connected to any chain. */
export function devWallet(index: number): HDNodeWallet {
  account ??= HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(DEV_MNEMONIC), "m/44'/60'/0'/0")
  return account.deriveChild(index)
}
