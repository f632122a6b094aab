import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { start, type OrderedRun } from './support/api.ts'
import { publishOrderedPair } from './support/ordered-pair.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

describe('a start whose chain answers are known', () => {
  let stack: Stack
  let dataset: PublishedAsset
  let run: OrderedRun
  /** What the chain was asked. */
  const calls: string[] = []

  beforeAll(async () => {
    const onCall = ({ method }: { method: string }): void => void calls.push(method)
    stack = await startStack({}, {}, { confirmationsToCache: 0, onCall })
    const compute = { publisherTrustedAlgorithmPublishers: [stack.publisher.address] }
    ;({ dataset, run } = await publishOrderedPair(stack, compute))
  })
  afterAll(() => stack.close())

  it('behaviour: asks the chain only which block is the newest, once', async () => {
    for (let warm = 0; warm < 20; warm++) {
      calls.length = 0
      expect((await start(stack, run)).status).toBe(200)
      // What nobody waited for (how deep answers are buried) may still be on its way after the first starts.
      if (calls.length <= 1) break
    }
    expect(calls).toEqual(['eth_getBlockByNumber'])
  })

  it('behaviour: and sees with the next block what that changed', async () => {
    expect((await start(stack, run)).status).toBe(200)
    await stack.republish(dataset, { publisherTrustedAlgorithmPublishers: [stack.stranger.address] })
    const answer = await start(stack, run)
    expect([answer.status, answer.json]).toEqual([400, { error: { dataset: 'not_trusted_algo_publisher' } }])
    await stack.publisher.setState(dataset.nft, 3)
    expect((await start(stack, run)).json).toEqual({ error: { dataset: 'Asset is not consumable.' } })
  })
})
