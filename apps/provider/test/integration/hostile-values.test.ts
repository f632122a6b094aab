import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { orderAccess, signedDownload } from './support/access.ts'
import { ask, query, send } from './support/api.ts'
import { sendHostile } from './support/hostile-requests.ts'
import { startStack, type Stack } from './support/stack.ts'

/** A value that has no text: whoever makes one of it fails. */
const TEXTLESS = { toString: 1, valueOf: 1 }
const JSON_TYPE = { 'Content-Type': 'application/json' }
const FILEINFO = '/api/services/fileinfo'

describe('values that are none of those expected', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack()
  })
  afterAll(() => stack.close())

  it('error: a kind of file that has no text', async () => {
    const answer = await send(stack, 'POST', FILEINFO, { type: TEXTLESS, url: 'http://x' })
    expect([answer.status, answer.json]).toMatchObject([400, { errors: { type: ['The selected type is invalid.'] } }])
  })

  it('error: a parameter beside a file that cannot be had', async () => {
    const { asset } = await orderAccess(stack, { type: 'url', url: `${stack.origin.url}/nowhere`, method: 'GET' })
    const body = {
      documentId: asset.did,
      serviceId: asset.serviceId,
      consumerAddress: stack.consumer.address,
      fileIndex: 0,
      odd: TEXTLESS,
    }
    // A GET with a body, as some clients send it, and as `fetch` does not.
    const request = { method: 'GET', path: '/api/services/initialize', headers: JSON_TYPE, body: JSON.stringify(body) }
    const answer = await sendHostile(stack.url, request)
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('Asset URL not found')])
  })

  it('error: a choice that has no text', async () => {
    const consumerParameters = [{ name: 'c', type: 'select', required: true, options: [{ a: 'A' }] }]
    const file = stack.origin.offer('/choice', 'x')
    const asset = await stack.publish({ serviceType: 'access', files: [file], consumerParameters })
    const answer = await query(stack, 'GET', '/api/services/initialize', {
      documentId: asset.did,
      serviceId: asset.serviceId,
      consumerAddress: stack.consumer.address,
      userdata: JSON.stringify({ c: TEXTLESS }),
    })
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('must be one of: a')])
  })

  it('error: a contract’s function whose answer would fill the memory', async () => {
    const outputs = [{ name: '', type: 'uint256[4294967295]' }]
    const abi = { type: 'function', name: 'name', stateMutability: 'view', inputs: [], outputs }
    const file = { type: 'smartcontract', address: stack.chain.addresses.Ocean, chainId: 8996, abi }
    const answer = await send(stack, 'POST', FILEINFO, file)
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('too large')])
    expect((await ask(stack, 'GET', '/')).status).toBe(200)
  })

  it('error: headers of a file that reach into the next request to its origin', async () => {
    const file = { ...stack.origin.offer('/framed', 'framed'), headers: { 'content-length': '400', 'x-own': 'k' } }
    const order = await orderAccess(stack, file)
    const plain = await orderAccess(stack, stack.origin.offer('/plain', 'plain'))
    for (const [one, text] of [
      [order, 'framed'],
      [plain, 'plain'],
      [order, 'framed'],
    ] as const) {
      const answer = await query(stack, 'GET', '/api/services/download', signedDownload(stack, one))
      expect([answer.status, answer.text]).toEqual([200, text])
    }
    expect(stack.origin.seen.find(({ path }) => path === '/framed')?.headers).toMatchObject({ 'x-own': 'k' })
  })
})
