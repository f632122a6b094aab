import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import { AUTH_TOKEN_HEADER, type Quote } from '@c2d/contracts'
import { ask, feeOf, nextNonce, query, send, type Answer } from './support/api.ts'
import { deployCode, deployWallet, ENDLESS_CODE } from './support/contract-wallet.ts'
import { buildJob } from './support/fake-operator.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

const DOWNLOAD = '/api/services/download'
const COMPUTE = '/api/services/compute'
const JOB_ID = '0123456789abcdef0123456789abcdef'

describe('a consumer whose account is a contract', () => {
  let stack: Stack
  let wallet: string
  let access: PublishedAsset
  let accessTx: string

  beforeAll(async () => {
    stack = await startStack()
    wallet = await deployWallet(stack.chain, stack.stranger.address)
    access = await stack.publish({ serviceType: 'access', files: [stack.origin.offer('/a.txt', 'hello')] })
    const { did: documentId, serviceId } = access
    const quoted = await query(stack, 'GET', '/api/services/initialize', {
      documentId,
      serviceId,
      consumerAddress: wallet,
    })
    const fee = feeOf(quoted.json as Quote)
    accessTx = await stack.consumer.startOrder(access.datatoken, { consumer: wallet, fee })
  })
  afterAll(() => stack.close())

  function form(consumerAddress: string, key: string, message = access.did): Record<string, string> {
    const nonce = nextNonce()
    const { did: documentId, serviceId } = access
    const signature = signMessage(message + nonce, key)
    return { fileIndex: '0', documentId, transferTxId: accessTx, serviceId, consumerAddress, nonce, signature }
  }
  const download = (parameters: Record<string, string>, headers = {}): Promise<Answer> =>
    query(stack, 'GET', DOWNLOAD, parameters, headers)

  it('behaviour: nobody asks the chain about a key that signed', async () => {
    const nonce = nextNonce()
    const signature = signMessage(stack.consumer.address + JOB_ID + nonce, stack.consumer.key)
    const parameters = { consumerAddress: stack.consumer.address, jobId: JOB_ID, nonce, signature }
    expect((await query(stack, 'GET', COMPUTE, parameters)).status).toBe(200)
    expect((await ask(stack, 'GET', '/metrics')).text).not.toContain('call="hasCode"')
  })

  it('downloads what was ordered for it, by the signature of its owner', async () => {
    const answer = await download(form(wallet, stack.stranger.key))
    expect([answer.status, answer.text]).toEqual([200, 'hello'])
    expect((await download(form(wallet.toLowerCase(), stack.stranger.key))).status).toBe(200)
  })

  it('gets tokens, and sees and stops its jobs', async () => {
    const expiration = String(Math.floor(Date.now() / 1000) + 60)
    const nonce = nextNonce()
    const signature = signMessage(wallet + expiration + nonce, stack.stranger.key)
    const parameters = { address: wallet, expiration, nonce, signature }
    const { token } = (await query(stack, 'GET', '/api/services/createAuthToken', parameters)).json as { token: string }
    const { signature: _none, ...unsigned } = form(wallet, stack.stranger.key)
    expect((await download(unsigned, { [AUTH_TOKEN_HEADER]: token })).text).toBe('hello')

    stack.operator.jobs = [buildJob({ owner: wallet })]
    const next = nextNonce()
    const stop = {
      consumerAddress: wallet,
      jobId: JOB_ID,
      nonce: next,
      signature: signMessage(wallet + JOB_ID + next, stack.stranger.key),
    }
    expect((await send(stack, 'PUT', COMPUTE, stop)).status).toBe(200)
  })

  it('has a start explained, with its orders', async () => {
    stack.operator.jobs = []
    const named = { documentId: access.did, serviceId: access.serviceId, transferTxId: accessTx }
    const explain = async (key: string): Promise<Answer> => {
      const nonce = nextNonce()
      const signature = signMessage(wallet + access.did + nonce, key)
      const run = { environment: 'free', dataset: named, algorithm: { meta: { rawcode: '1' } } }
      return send(stack, 'POST', '/api/services/compute/explain', { ...run, consumerAddress: wallet, nonce, signature })
    }
    const answer = await explain(stack.stranger.key)
    const orders = (answer.json as { rules: { rule: string; outcome: string }[] }).rules
    expect(orders.find(({ rule }) => rule === 'dataset-order')?.outcome).toBe('deny')
    expect((await explain(stack.consumer.key)).status).toBe(400)
  })

  it('stops its jobs as ocean.js has it, and deletes with a nonce that is not sent', async () => {
    const stop = {
      consumerAddress: wallet,
      jobId: JOB_ID,
      nonce: '5',
      signature: signMessage(wallet + JOB_ID, stack.stranger.key),
    }
    expect((await send(stack, 'PUT', COMPUTE, stop)).status).toBe(200)
    const foreign = { ...stop, signature: signMessage(wallet + JOB_ID, stack.consumer.key) }
    expect((await send(stack, 'PUT', COMPUTE, foreign)).status).toBe(400)
    const told = (await query(stack, 'GET', '/api/services/nonce', { userAddress: wallet })).json as { nonce: string }
    const signature = signMessage(wallet + JOB_ID + access.did + String(Number(told.nonce) + 1), stack.stranger.key)
    const remove = { documentId: access.did, consumerAddress: wallet, jobId: JOB_ID, signature }
    expect((await send(stack, 'DELETE', COMPUTE, remove)).status).toBe(200)
    expect((await send(stack, 'DELETE', COMPUTE, remove)).status).toBe(400)
  })

  it('error: a nonce is spent here too', async () => {
    const parameters = form(wallet, stack.stranger.key)
    const answers = await Promise.all([1, 2, 3, 4].map(() => download(parameters)))
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 400, 400, 400])
  })

  it.each<[string, () => Promise<Record<string, string>> | Record<string, string>]>([
    ['another key', () => form(wallet, stack.consumer.key)],
    ['another message', () => form(wallet, stack.stranger.key, 'something else')],
    ['a nonce that was not signed', () => ({ ...form(wallet, stack.stranger.key), nonce: nextNonce() })],
    ['a contract that is no account', () => form(access.nft, stack.stranger.key)],
    ['an account that is no contract', () => form(`0x${'77'.repeat(20)}`, stack.stranger.key)],
    ['a precompiled contract that repeats what it is asked', () => form(`0x${'0'.repeat(39)}4`, stack.stranger.key)],
    ['a contract that never ends', async () => form(await deployCode(stack.chain, ENDLESS_CODE), stack.stranger.key)],
    ['a signature that is no hex', () => ({ ...form(wallet, stack.stranger.key), signature: 'yes' })],
    ['a signature without end', () => ({ ...form(wallet, stack.stranger.key), signature: `0x${'11'.repeat(5_000)}` })],
  ])('error: %s', async (_name, parameters) => {
    const answer = await download(await parameters())
    expect([answer.status, answer.json]).toMatchObject([
      400,
      { errors: { signature: expect.stringMatching(/^Invalid signature /) } },
    ])
  })
})
