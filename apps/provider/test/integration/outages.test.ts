import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import { nextNonce, query, quote, send, type Answer } from './support/api.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

jest.setTimeout(120_000)

describe('when what the provider depends on is gone', () => {
  let stack: Stack
  let asset: PublishedAsset

  beforeAll(async () => {
    stack = await startStack()
    const files = [stack.origin.offer('/data.csv', 'a,b')]
    asset = await stack.publish({ type: 'algorithm', serviceType: 'access', files })
  })
  afterAll(() => stack.close())

  const initialize = (): Promise<Answer> =>
    query(stack, 'GET', '/api/services/initialize', {
      documentId: asset.did,
      serviceId: asset.serviceId,
      consumerAddress: stack.consumer.address,
    })
  const download = (): Promise<Answer> => {
    const nonce = nextNonce()
    return query(stack, 'GET', '/api/services/download', {
      documentId: asset.did,
      serviceId: asset.serviceId,
      consumerAddress: stack.consumer.address,
      transferTxId: asset.metadataTransaction,
      fileIndex: '0',
      nonce,
      signature: signMessage(asset.did + nonce, stack.consumer.key),
    })
  }

  it('behaviour: without a cache, what is on chain serves', async () => {
    await stack.cache.close()
    expect((await initialize()).status).toBe(200)
  })

  it('error: without an operator, jobs are out of order and nothing else is', async () => {
    await stack.operator.close()
    const environments = await query(stack, 'GET', '/api/services/computeEnvironments', {})
    const text = 'Compute envs could not be retrieved for chainId 8996, check configuration.'
    expect([environments.status, environments.json]).toEqual([503, { context: null, error: text }])
    const quotes = await quote(stack, { dataset: asset, algorithm: asset })
    expect([quotes.status, quotes.json]).toEqual([503, { context: null, error: text }])
    const status = await query(stack, 'GET', '/api/services/compute', { consumerAddress: stack.consumer.address })
    expect([status.status, status.json]).toEqual([
      503,
      { context: null, error: 'Something we depend on does not answer' },
    ])
    expect((await initialize()).status).toBe(200)
  })

  it('error: without a chain, what needs it says so, and names no address', async () => {
    await stack.chain.stop()
    for (const answer of await Promise.all([initialize(), download()])) {
      expect([answer.status, answer.json]).toEqual([
        503,
        { context: null, error: expect.stringContaining('The chain 8996 cannot be read right now') },
      ])
      expect(answer.text).not.toMatch(/127\.0\.0\.1|:\d{4,5}/)
    }
    const unready = await fetch(`${stack.url}/readyz`)
    expect([unready.status, (await unready.text()).includes('127.0.0.1')]).toEqual([503, false])
  })

  it('behaviour: and what needs none of them is answered as ever', async () => {
    expect((await fetch(`${stack.url}/healthz`)).status).toBe(200)
    expect((await query(stack, 'GET', '/', {})).status).toBe(200)
    expect((await query(stack, 'GET', '/api/services/nonce', { userAddress: stack.consumer.address })).status).toBe(200)
    const file = { type: 'url', url: `${stack.origin.url}/data.csv`, method: 'GET' }
    expect((await send(stack, 'POST', '/api/services/fileinfo', file)).json).toMatchObject([{ valid: true }])
  })
})
