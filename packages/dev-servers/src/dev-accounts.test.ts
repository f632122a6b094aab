import { describe, expect, it } from '@jest/globals'
import { DEV_ACCOUNTS, devWallet } from './dev-accounts.ts'

describe('the development accounts', () => {
  it.each(Object.entries(DEV_ACCOUNTS))('%s is what its index below the mnemonic gives', (_role, account) => {
    const wallet = devWallet(account.index)
    expect({ address: wallet.address, privateKey: wallet.privateKey }).toEqual({
      address: account.address,
      privateKey: account.publishedPrivateKey,
    })
  })
})
