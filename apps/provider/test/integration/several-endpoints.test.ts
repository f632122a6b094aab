import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { DEV_ACCOUNTS, findFreePort } from '@c2d/dev-servers'
import { createMetrics, listen, type Metrics } from '@c2d/http-kit'
import { startTestChain, type TestChain } from '@c2d/testing'
import express from 'express'
import { createChainCallCounter } from '../../src/clients/count-chain-calls.ts'
import { loadProviderConfig } from '../../src/config.ts'
import { openChains } from '../../src/open-chains.ts'

const KEY = DEV_ACCOUNTS.provider.publishedPrivateKey

/** What an operator would read. */
async function textOf(metrics: Metrics): Promise<string> {
  const app = express()
  app.get('/metrics', metrics.metricsRoute())
  const server = await listen(app, { host: '127.0.0.1', port: 0 })
  const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()
  await server.close()
  return text
}

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
    const metrics = createMetrics({ prefix: 'c2d_test_' })
    const chains = await openChains(configOf(changes()), { countCalls: createChainCallCounter(metrics) })
    const { client } = [...chains.values()][0] ?? {}
    expect([...chains.keys()]).toEqual([8996])
    await client?.isReady()
    expect(await client?.tokenDecimals(chain.addresses.Ocean)).toBe(18)
    client?.close()
    const counted = await textOf(metrics)
    expect(counted).toMatch(
      /chain_calls_total\{chain="8996",endpoint="0",method="eth_chainId",outcome="failed"\} [1-9]/,
    )
    expect(counted).toMatch(/chain_calls_total\{chain="8996",endpoint="1",method="eth_call",outcome="ok"\} 1/)
    expect(counted).toContain(
      'chain_call_duration_seconds_bucket{le="0.5",chain="8996",endpoint="1",method="eth_call"}',
    )
    for (const secret of [dead, chain.rpcUrl]) expect(counted).not.toContain(secret.replace('http://', ''))
  })

  it('error: none that lives, where nothing else tells the chain', async () => {
    await expect(
      openChains(configOf({ NETWORK_URL: JSON.stringify([dead]) }), { countCalls: () => () => undefined }),
    ).rejects.toThrow(/NETWORK_URL/)
  })
})
