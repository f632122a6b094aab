import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Quote } from '@c2d/contracts'
import { buildStart, feeOf, quote, send, type OrderedRun } from './support/api.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

const AGE = { name: 'age', type: 'number', label: 'Age', description: '', required: true }
const COLOUR = {
  name: 'colour',
  type: 'select',
  label: 'Colour',
  default: 'red',
  options: [{ red: 'Red' }, { blue: 'Blue' }],
}
const DEPTH = { name: 'depth', type: 'number', label: 'Depth', required: true }

describe('what publishers ask consumers for', () => {
  let stack: Stack
  let dataset: PublishedAsset
  let second: PublishedAsset
  let algorithm: PublishedAsset
  let run: OrderedRun
  let secondTx: string

  beforeAll(async () => {
    stack = await startStack()
    algorithm = await stack.publish({
      type: 'algorithm',
      serviceType: 'access',
      files: [stack.origin.offer('/algo.js', 'x')],
      consumerParameters: [COLOUR],
      algorithmParameters: [DEPTH],
    })
    const compute = { publisherTrustedAlgorithms: ['*' as const], allowNetworkAccess: true }
    dataset = await stack.publish({ files: [stack.origin.offer('/a', 'x')], compute, consumerParameters: [AGE] })
    second = await stack.publish({
      files: [stack.origin.offer('/b', 'x')],
      compute: { publisherTrustedAlgorithms: ['*'] },
    })
    const given = { documentId: dataset.did, serviceId: dataset.serviceId, userdata: { age: 1 } }
    const environment = 'free'
    const order = async (datatoken: string, body: unknown): Promise<string> => {
      const answer = await send(stack, 'POST', '/api/services/initializeCompute', body)
      const quotes = answer.json as { datasets: Quote[]; algorithm: Quote }
      const item = [...quotes.datasets, quotes.algorithm].find((one) => one.datatoken === datatoken)
      return stack.consumer.startOrder(datatoken, { consumer: stack.environmentAddress, fee: feeOf(item) })
    }
    const body = {
      datasets: [given, { documentId: second.did, serviceId: second.serviceId }],
      algorithm: { documentId: algorithm.did, serviceId: algorithm.serviceId, algocustomdata: { depth: 3 } },
      compute: { env: environment, validUntil: Math.floor(Date.now() / 1000) + 600 },
      consumerAddress: stack.consumer.address,
    }
    const datasetTx = await order(dataset.datatoken, body)
    secondTx = await order(second.datatoken, body)
    const algorithmTx = await order(algorithm.datatoken, body)
    run = {
      environment,
      dataset: { documentId: dataset.did, serviceId: dataset.serviceId, transferTxId: datasetTx },
      algorithm: { documentId: algorithm.did, serviceId: algorithm.serviceId, transferTxId: algorithmTx },
    }
  })
  afterAll(() => stack.close())

  async function startWith(changes: { userdata?: unknown; algorithm?: object; additional?: boolean }) {
    const answer = await send(
      stack,
      'POST',
      '/api/services/compute',
      buildStart(run, stack.consumer, {
        dataset: { ...run.dataset, userdata: changes.userdata ?? { age: 7 } },
        algorithm: { ...run.algorithm, algocustomdata: { depth: 3 }, ...changes.algorithm },
        ...(changes.additional
          ? { additionalDatasets: [{ documentId: second.did, serviceId: second.serviceId, transferTxId: secondTx }] }
          : {}),
      }),
    )
    const sent = stack.operator.starts().at(-1) as { workflow: { stages: Record<string, never>[] } } | undefined
    return { answer, stage: sent?.workflow.stages[0] }
  }

  it('reaches the workflow, with the defaults filled in', async () => {
    const { answer, stage } = await startWith({})
    expect(answer.status).toBe(200)
    expect(stage).toMatchObject({
      input: [{ remote: { userdata: { age: 7 } } }],
      algorithm: { remote: { userdata: { colour: 'red' }, userData: { colour: 'red' } }, algocustomdata: { depth: 3 } },
    })
  })

  it.each([
    [
      'a dataset’s that is missing',
      { userdata: { other: 1 } },
      { 'dataset.userdata': "The parameter 'age' is required." },
    ],
    [
      'a dataset’s of the wrong kind',
      { userdata: { age: 'x' } },
      { 'dataset.userdata': "The parameter 'age' must be a number." },
    ],
    [
      'a choice the algorithm’s service does not have',
      { algorithm: { algouserdata: { colour: 'green' } } },
      { 'algorithm.userdata': "The parameter 'colour' must be one of: red, blue." },
    ],
    [
      'an algorithm’s that is missing',
      { algorithm: { algocustomdata: {} } },
      { 'algorithm.algocustomdata': "The parameter 'depth' is required." },
    ],
  ])('error: %s', async (_title, changes, error) => {
    const { answer } = await startWith(changes)
    expect([answer.status, answer.json]).toEqual([400, { error }])
  })

  it('error: a quote is refused as the start would be', async () => {
    expect((await quote(stack, { dataset, algorithm })).json).toEqual({
      error: { 'algorithm.algocustomdata': "The parameter 'depth' is required." },
    })
  })

  it('behaviour: a job gets network where its dataset allows it', async () => {
    expect((await startWith({})).stage).toMatchObject({ compute: { allowNetworkAccess: true } })
  })

  it('behaviour: and does not where another dataset in it forbids it', async () => {
    const { answer, stage } = await startWith({ additional: true })
    expect(answer.status).toBe(200)
    expect(stage).toMatchObject({ compute: { allowNetworkAccess: false } })
  })
})
