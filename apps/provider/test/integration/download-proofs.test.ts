import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { addressOf, DATATOKEN_ABI, recoverSigner, signMessage } from '@c2d/chain'
import { createMetrics } from '@c2d/http-kit'
import { silentLogger } from '@c2d/runtime'
import { Interface, JsonRpcProvider, toUtf8String } from 'ethers'
import type { ProofQueue } from '../../src/clients/proof-queue.ts'
import type { ProviderChains } from '../../src/domain/chains/provider-chain.ts'
import { openProofs, type OpenProofs } from '../../src/open-proofs.ts'
import { orderAccess, signedDownload, type OrderedAccess } from './support/access.ts'
import { nextNonce, query, type Answer } from './support/api.ts'
import { startHttpStub, type HttpStub } from './support/http-stub.ts'
import { PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

const PROVIDER = addressOf(PROVIDER_KEY)
const CONTENT = 'twelve bytes'

describe('proofs of downloads', () => {
  let stack: Stack
  let access: OrderedAccess
  let sink: HttpStub
  let isBroken = false
  let queue: OpenProofs | null = null
  const closers: (() => Promise<void>)[] = []

  const delegate: ProofQueue = {
    add: (proof) => queue?.add(proof),
    drain: () => queue?.drain() ?? Promise.resolve(),
  }

  beforeAll(async () => {
    sink = await startHttpStub((_request, response) => response.writeHead(isBroken ? 500 : 200).end())
    stack = await startStack({}, { proofs: delegate })
    access = await orderAccess(stack, stack.origin.offer('/data', CONTENT))
  })
  afterAll(async () => {
    for (const close of closers) await close()
    await stack.close()
    await sink.close()
  })

  /** The answer is with its reader a moment before its proof is taken: waits for a proof to arrive. */
  async function arrived<T>(load: () => T[] | Promise<T[]>, before = 0): Promise<T[]> {
    for (;;) {
      const found = await load()
      if (found.length > before) return found.slice(before)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  function prove(by: { url?: string; isOnChain?: boolean; rpcUrl?: string }): OpenProofs {
    const { url, isOnChain = false, rpcUrl = stack.chain.rpcUrl } = by
    const config = {
      USE_HTTP_PROOF: url,
      USE_CHAIN_PROOF: isOnChain,
      NETWORK_URL: { kind: 'single' as const, value: [rpcUrl] },
      REQUEST_TIMEOUT: 2,
    }
    const chains = new Map([[8996, { chainId: 8996, privateKey: PROVIDER_KEY }]]) as unknown as ProviderChains
    const opened = openProofs(config, { chains, metrics: createMetrics({ prefix: 'c2d_test_' }), log: silentLogger })
    if (!opened) throw new Error('no proofs were asked for')
    closers.push(() => opened.close())
    queue = opened
    return opened
  }
  const download = (headers: Record<string, string> = {}, parameters = signedDownload(stack, access)) =>
    query(stack, 'GET', '/api/services/download', parameters, headers)
  const tokenDownload = async (): Promise<Answer> => {
    const nonce = nextNonce()
    const expiration = String(Math.floor(Date.now() / 1000) + 600)
    const address = stack.consumer.address
    const signature = signMessage(address + expiration + nonce, stack.consumer.key)
    const made = await query(stack, 'GET', '/api/services/createAuthToken', { address, expiration, nonce, signature })
    const { token } = made.json as { token: string }
    const { signature: _signature, ...unsigned } = signedDownload(stack, access)
    return download({ AuthToken: token }, unsigned)
  }
  const executed = async () => {
    const provider = new JsonRpcProvider(stack.chain.rpcUrl, 8996, { staticNetwork: true, cacheTimeout: -1 })
    const contract = new Interface(DATATOKEN_ABI)
    const topics = [contract.getEvent('OrderExecuted')?.topicHash ?? '']
    const logs = await provider.getLogs({ address: access.asset.datatoken, topics, fromBlock: 0 })
    provider.destroy()
    return logs.map((log) => contract.parseLog(log)?.args.toObject() ?? {})
  }

  it('none is sent where none is asked for', () => {
    const config = { USE_HTTP_PROOF: undefined, USE_CHAIN_PROOF: false, REQUEST_TIMEOUT: 2 }
    const deps = { chains: new Map(), metrics: createMetrics({ prefix: 'c2d_test_' }), log: silentLogger }
    expect(openProofs({ ...config, NETWORK_URL: { kind: 'single', value: [] } }, deps)).toBeNull()
  })

  it('are posted as a form, signed by both, with what really went out', async () => {
    prove({ url: `${sink.url}/proofs` })
    const parameters = signedDownload(stack, access)
    expect((await download({ Range: 'bytes=0-5' }, parameters)).text).toBe('twelve')
    const [posted] = await arrived(() => sink.seen)
    const form = Object.fromEntries(new URLSearchParams(posted?.body))
    const { asset, transferTxId } = access
    const providerData = `{"documentId":"${asset.did}","serviceId":"${asset.serviceId}","fileIndex":0,"downloadedBytes":6}`
    expect(posted?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(form).toEqual({
      orderTxId: transferTxId,
      providerData,
      providerSignature: expect.anything(),
      consumerData: `${asset.did}${parameters['nonce']}`,
      consumerSignature: parameters['signature'],
      consumerAddress: stack.consumer.address,
    })
    expect(recoverSigner(providerData, form['providerSignature'] ?? '')).toBe(PROVIDER)
  })

  it('behaviour: a download by auth token has no signature of its consumer', async () => {
    prove({ url: sink.url })
    const before = sink.seen.length
    expect((await tokenDownload()).status).toBe(200)
    const [posted] = await arrived(() => sink.seen, before)
    const form = Object.fromEntries(new URLSearchParams(posted?.body))
    expect(form['consumerSignature']).toBeUndefined()
    expect(form['consumerAddress']).toBe(stack.consumer.address)
  })

  it.each<[string, () => Parameters<typeof prove>[0]]>([
    ['fails', () => ({ url: sink.url })],
    ['is not there', () => ({ url: 'http://127.0.0.1:9' })],
    ['is a chain that is not there', () => ({ isOnChain: true, rpcUrl: 'http://127.0.0.1:9' })],
  ])('behaviour: a download does not notice that whoever keeps proofs %s', async (_title, by) => {
    isBroken = true
    const proofs = prove(by())
    const answer = await download()
    expect([answer.status, answer.text]).toEqual([200, CONTENT])
    await proofs.drain()
    isBroken = false
  })

  it('error: a refused download proves nothing', async () => {
    const proofs = prove({ url: sink.url })
    const before = sink.seen.length
    expect((await download({}, signedDownload(stack, access, { fileIndex: '7' }))).status).toBe(400)
    await proofs.drain()
    expect(sink.seen).toHaveLength(before)
  })

  it('are written to the chain, once for a file of an order, and not where the consumer did not sign', async () => {
    const proofs = prove({ isOnChain: true })
    const parameters = signedDownload(stack, access)
    const answers = [await download({}, parameters), await download(), await tokenDownload()]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    await arrived(executed)
    await proofs.drain()
    const events = await executed()
    expect(events).toEqual([
      expect.objectContaining({
        providerAddress: PROVIDER,
        consumerAddress: stack.consumer.address,
        orderTxId: access.transferTxId,
        consumerSignature: parameters['signature'],
      }),
    ])
    expect(toUtf8String(String(events[0]?.['providerData']))).toContain(`"downloadedBytes":${CONTENT.length}`)
    expect(toUtf8String(String(events[0]?.['consumerData']))).toBe(`${access.asset.did}${parameters['nonce']}`)
  })
})
