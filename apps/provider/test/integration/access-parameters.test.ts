import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Quote } from '@c2d/contracts'
import { signedDownload, type OrderedAccess } from './support/access.ts'
import { feeOf, query, type Answer } from './support/api.ts'
import { startStack, type Stack } from './support/stack.ts'

const AGE = { name: 'age', type: 'number', label: 'Age', required: true }
const COLOUR = { name: 'colour', type: 'text', label: 'Colour', default: 'red' }

describe('what publishers ask consumers of an access for', () => {
  let stack: Stack
  let access: OrderedAccess

  beforeAll(async () => {
    stack = await startStack()
    const asset = await stack.publish({
      serviceType: 'access',
      files: [stack.origin.offer('/people', 'x')],
      consumerParameters: [AGE, COLOUR],
    })
    access = { asset, transferTxId: '' }
    const fee = feeOf((await initialize()).json as Quote)
    access.transferTxId = await stack.consumer.startOrder(asset.datatoken, { consumer: stack.consumer.address, fee })
  })
  afterAll(() => stack.close())

  const initialize = (more: Record<string, string> = {}): Promise<Answer> =>
    query(stack, 'GET', '/api/services/initialize', {
      documentId: access.asset.did,
      serviceId: access.asset.serviceId,
      consumerAddress: stack.consumer.address,
      ...more,
    })
  const download = (more: Record<string, string>): Promise<Answer> =>
    query(stack, 'GET', '/api/services/download', signedDownload(stack, access, more))
  const askedOfOrigin = (): Record<string, string> => Object.fromEntries(stack.origin.seen.at(-1)?.query ?? [])

  it('reaches the origin of a download, with the defaults filled in', async () => {
    expect((await download({ userdata: '{"age":7}' })).status).toBe(200)
    expect(askedOfOrigin()).toEqual({ age: '7', colour: 'red' })
  })

  it.each([
    ['nothing at all', {}, "The parameter 'age' is required."],
    ['a value of another kind', { userdata: '{"age":"x"}' }, "The parameter 'age' must be a number."],
    ['what is no object', { userdata: '[7]' }, 'The parameters must be an object, or the JSON text of one.'],
  ])('error: a download with %s, and its origin is not asked', async (_title, more, text) => {
    const before = stack.origin.seen.length
    const answer = await download(more)
    expect([answer.status, answer.json]).toEqual([400, { error: `Provider Ganache: ${text}` }])
    expect(stack.origin.seen).toHaveLength(before)
  })

  it('error: a question for the price with parameters that do not fit', async () => {
    expect((await initialize({ userdata: '{"age":"x"}' })).json).toEqual({
      error: "Provider Ganache: The parameter 'age' must be a number.",
    })
  })

  it('behaviour: whoever asks for the price may say them later, and the defaults serve until then', async () => {
    expect((await initialize({ fileIndex: '0' })).status).toBe(200)
    expect(askedOfOrigin()).toEqual({ colour: 'red' })
  })
})
