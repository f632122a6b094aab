import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { DEV_ACCOUNTS, findFreePort } from '@c2d/dev-servers'
import { startTestChain, type TestChain } from '@c2d/testing'
import { loadProviderConfig } from '../../src/config.ts'
import { openChains } from '../../src/open-chains.ts'

const KEY = DEV_ACCOUNTS.provider.publishedPrivateKey

describe('a chain behind several endpoints', () => {
  let chain: TestChain
  let dead: string

  beforeAll(async () => {
    chain = await startTestChain()
    dead = `http://127.0.0.1:${await findFreePort()}`
  })
  afterAll(() => chain.stop())

  const configOf = (changes: Record<string, string>) =>
    loadProviderConfig({
      DATABASE_URL: 'postgres://nobody@localhost/nothing',
      PROVIDER_PRIVATE_KEY: KEY,
      ADDRESS_FILE: chain.addressFile,
      ...changes,
    })

  it.each([
    ['that is the only one', () => ({ NETWORK_URL: JSON.stringify([dead, chain.rpcUrl]) })],
    [
      'among others',
      () => ({
        NETWORK_URL: JSON.stringify({ 8996: [dead, chain.rpcUrl] }),
        PROVIDER_PRIVATE_KEY: JSON.stringify({ 8996: KEY }),
        UNIVERSAL_PRIVATE_KEY: KEY,
      }),
    ],
  ])('%s is read by the one that lives', async (_title, changes) => {
    const chains = await openChains(configOf(changes()))
    const { client } = [...chains.values()][0] ?? {}
    expect([...chains.keys()]).toEqual([8996])
    await client?.isReady()
    expect(await client?.tokenDecimals(chain.addresses.Ocean)).toBe(18)
    client?.close()
  })

  it('error: none that lives, where nothing else tells the chain', async () => {
    await expect(openChains(configOf({ NETWORK_URL: JSON.stringify([dead]) }))).rejects.toThrow(/NETWORK_URL/)
  })
})
