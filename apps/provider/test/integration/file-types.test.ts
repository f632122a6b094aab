import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import { openOriginFetch } from '../../src/clients/origin-fetch.ts'
import { feeOf, nextNonce, query, send, type Answer } from './support/api.ts'
import { sendJson, startHttpStub, type HttpStub } from './support/http-stub.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

const CID = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG'
const TRANSACTION = 'a'.repeat(43)

const BALANCE_OF = {
  type: 'function',
  name: 'balanceOf',
  inputs: [{ name: 'account', type: 'address' }],
  outputs: [{ name: '', type: 'uint256' }],
  stateMutability: 'view',
}

describe('files that are no addresses', () => {
  let stack: Stack
  let gateway: HttpStub
  let asset: PublishedAsset
  let transferTxId: string

  beforeAll(async () => {
    gateway = await startHttpStub((request, response) => {
      if (request.path === `/ipfs/${CID}`) response.writeHead(200, { 'Content-Type': 'text/plain' }).end('from ipfs')
      else if (request.path === `/${TRANSACTION}`) response.writeHead(200).end('from arweave')
      else if (request.method === 'POST') sendJson(response, 200, JSON.parse(request.body))
      else response.writeHead(404).end()
    })
    stack = await startStack(
      { gateways: { ipfs: gateway.url, arweave: gateway.url } },
      { fetch: openOriginFetch({ allowList: [gateway.host], timeoutMs: 5_000 }) },
    )
    asset = await stack.publish({
      serviceType: 'access',
      files: [
        { type: 'ipfs', hash: CID },
        { type: 'arweave', transactionId: TRANSACTION },
        { type: 'graphql', url: `${gateway.url}/graphql`, query: 'query ($n: Int) { nodes(first: $n) { id } }' },
        { type: 'smartcontract', address: `0x${'1'.repeat(40)}`, chainId: 8996, abi: { type: 'event' } },
        { type: 'smartcontract', address: stack.chain.addresses.Ocean, chainId: 8996, abi: BALANCE_OF },
        { type: 'smartcontract', address: stack.chain.addresses.Ocean, chainId: 1, abi: BALANCE_OF },
      ],
    })
    const quoted = await query(stack, 'GET', '/api/services/initialize', {
      documentId: asset.did,
      serviceId: asset.serviceId,
      consumerAddress: stack.consumer.address,
    })
    const fee = feeOf(quoted.json as Quote)
    transferTxId = await stack.consumer.startOrder(asset.datatoken, { consumer: stack.consumer.address, fee })
  })
  afterAll(async () => {
    await stack.close()
    await gateway.close()
  })

  function download(fileIndex: number, more: Record<string, string> = {}): Promise<Answer> {
    const nonce = nextNonce()
    return query(stack, 'GET', '/api/services/download', {
      fileIndex: String(fileIndex),
      documentId: asset.did,
      serviceId: asset.serviceId,
      consumerAddress: stack.consumer.address,
      transferTxId,
      nonce,
      signature: signMessage(asset.did + nonce, stack.consumer.key),
      ...more,
    })
  }

  it.each([
    ['IPFS', 0, 'from ipfs'],
    ['Arweave', 1, 'from arweave'],
  ])('come from %s by its gateway', async (_title, fileIndex, text) => {
    const answer = await download(fileIndex)
    expect([answer.status, answer.text]).toEqual([200, text])
  })

  it('come from GraphQL, with the consumer’s variables and the publisher’s query', async () => {
    const answer = await download(2, { userdata: JSON.stringify({ n: 3 }) })
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ query: expect.stringContaining('nodes'), variables: { n: 3 } })
  })

  it('come from a contract, called with the consumer’s arguments; whole numbers keep their digits', async () => {
    const balance = 10n ** 24n + 1n
    const account = stack.stranger.address
    await stack.publisher.mint(stack.chain.addresses.Ocean, account, balance)
    const answer = await download(4, { userdata: JSON.stringify({ account: account.toLowerCase() }) })
    expect([answer.status, answer.text]).toEqual([200, String(balance)])
  })

  it.each([
    ['an argument that is missing', 4, {}, 'Missing userparams: account'],
    [
      'an argument of another type',
      4,
      { account: 'x' },
      'The parameters do not fit the function; it takes account: address.',
    ],
    ['a chain that is not served', 5, { account: `0x${'1'.repeat(40)}` }, 'Chain 1 is not served here.'],
  ])('error: %s', async (_title, fileIndex, userdata, error) => {
    const answer = await download(fileIndex, { userdata: JSON.stringify(userdata) })
    expect([answer.status, answer.json]).toEqual([400, { error }])
  })

  it('error: a file object that is malformed is refused in the reference’s words', async () => {
    const answer = await download(3)
    expect([answer.status, answer.json]).toEqual([400, { error: 'Provider Ganache: invalid abi' }])
  })

  it('are told by fileinfo', async () => {
    const answer = await send(stack, 'POST', '/api/services/fileinfo', { type: 'ipfs', hash: CID })
    expect(answer.json).toMatchObject([{ index: 0, type: 'ipfs', valid: true }])
  })
})
