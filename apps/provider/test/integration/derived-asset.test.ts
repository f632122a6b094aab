import type { DerivedAssetOffer } from '@c2d/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { buildStart, orderRun, send, start, type OrderedRun } from './support/api.ts'
import { buildEnvironment } from './support/fake-operator.ts'
import { startStack, type Stack } from './support/stack.ts'

let stack: Stack
let run: OrderedRun
let forbidding: OrderedRun['dataset']

beforeAll(async () => {
  stack = await startStack()
  const algorithm = await stack.publish({
    type: 'algorithm',
    serviceType: 'access',
    files: [stack.origin.offer('/algorithm.js', 'console.log(1)')],
  })
  const publish = (path: string, allowDerivedAssets?: boolean) =>
    stack.publish({
      files: [stack.origin.offer(path, 'a,b')],
      compute: {
        publisherTrustedAlgorithms: ['*'],
        ...(allowDerivedAssets === undefined ? {} : { allowDerivedAssets }),
      },
    })
  run = await orderRun(stack, { dataset: await publish('/open.csv'), algorithm })
  forbidding = (await orderRun(stack, { dataset: await publish('/closed.csv', false), algorithm })).dataset
})
afterAll(() => stack.close())
beforeEach(() => offer({ chains: [8996], freeBytes: 1_000 }))

function offer(derivedAssets: DerivedAssetOffer): void {
  const consumerAddress = stack.environmentAddress
  stack.operator.environments = [buildEnvironment({ id: 'free', priceMin: 0, consumerAddress, derivedAssets })]
}

/** What start and explain say to the same request: they must say the same. */
async function judge(output: object, changes: Record<string, unknown> = {}) {
  const before = stack.operator.starts().length
  const explained = await send(
    stack,
    'POST',
    '/api/services/compute/explain',
    buildStart(run, stack.consumer, { output, ...changes }),
  )
  const { allowed, rules } = explained.json as { allowed: boolean; rules: { rule: string; outcome: string }[] }
  const started = await start(stack, run, { changes: { output, ...changes } })
  expect(started.status === 200).toBe(allowed)
  return {
    status: started.status,
    json: started.json,
    outcome: rules.find(({ rule }) => rule === 'output-asset')?.outcome,
    sent: stack.operator.starts().slice(before),
  }
}

const wish = { publishOutput: true, metadata: { name: 'Results' } }

describe('results that are to become an asset', () => {
  it('behaviour: the wish goes into the workflow, for the consumer', async () => {
    const { status, outcome, sent } = await judge(wish)
    expect([status, outcome, sent.length]).toEqual([200, 'allow', 1])
    expect(sent[0]).toMatchObject({
      workflow: {
        stages: [{ output: { derivedAsset: { outputs: true, log: false, owner: stack.consumer.address } } }],
      },
    })
  })

  it('attack: somebody else’s address as owner, in whatever casing, starts nothing', async () => {
    for (const owner of [stack.stranger.address, stack.publisher.address.toLowerCase(), `0x${'0'.repeat(40)}`]) {
      const { status, json, outcome, sent } = await judge({ ...wish, owner })
      expect([status, outcome, sent]).toEqual([400, 'deny', []])
      expect(JSON.stringify(json)).toContain('not_yours')
    }
    expect((await judge({ ...wish, owner: stack.consumer.address.toLowerCase() })).status).toBe(200)
  })

  it('attack: a dataset whose owner forbids it, first or among others, starts nothing', async () => {
    for (const changes of [{ dataset: forbidding }, { additionalDatasets: [forbidding] }]) {
      const output = wish
      const before = stack.operator.starts().length
      const signed = changes.dataset ? { ...run, dataset: changes.dataset } : run
      const { status, json } = await start(stack, signed, { changes: { output, ...changes } })
      expect(status).toBe(400)
      expect(JSON.stringify(json)).toContain('forbidden')
      expect(stack.operator.starts()).toHaveLength(before)
    }
  })

  it('error: what the operator could not keep is refused in advance', async () => {
    offer({ chains: [], freeBytes: 1_000 })
    expect(JSON.stringify((await judge(wish)).json)).toContain('no_funds')
    offer({ chains: [8996], freeBytes: 0 })
    expect(JSON.stringify((await judge(wish)).json)).toContain('storage_full')
  })
})
