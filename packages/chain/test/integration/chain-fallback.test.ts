import { createChainClient, type ChainCall, type ChainClient, type ChainClientOptions } from '@c2d/chain'
import { afterEach, describe, expect, it } from '@jest/globals'
import { eventually } from './eventually.ts'
import { startFakeEndpoint, type Answer, type FakeEndpoint } from './fake-endpoint.ts'

const TOKEN = '0x1D5CEbD46Eb0a12013DbE1A66733AD39d410F061'
const NFT = '0xA74847bf9cebD3696031dC8f0033CF9A009E66Bc'
const ACCESS_KEY = 'a-secret-access-key'
const DOWN = { status: 502, body: {} }

const word = (value: number) => `0x${value.toString(16).padStart(64, '0')}`
const ok = (result: unknown) => ({ body: { result } })
/** An endpoint of a chain where every call gives one number. */
const serving =
  (value: number, chainId = 8996): Answer =>
  (method) =>
    method === 'eth_chainId' ? ok(`0x${chainId.toString(16)}`) : ok(word(value))

const closers: (() => void)[] = []
async function start(answer: Answer): Promise<FakeEndpoint> {
  const endpoint = await startFakeEndpoint(answer)
  closers.push(endpoint.close)
  return endpoint
}
function open(endpoints: FakeEndpoint[], options: Partial<ChainClientOptions> = {}): ChainClient {
  const rpcUrls = endpoints.map(({ url }) => `${url}/${ACCESS_KEY}`)
  const client = createChainClient({ chainId: 8996, rpcUrls, ...options })
  closers.push(() => client.close())
  return client
}
const OWNER_OF = {
  type: 'function',
  name: 'ownerOf',
  inputs: [{ name: 'id', type: 'uint256' }],
  outputs: [{ name: '', type: 'address' }],
  stateMutability: 'view',
}
/** Asks something that is not remembered, by one call. */
const ask = (client: ChainClient) => client.callView({ address: NFT, abi: OWNER_OF, args: [1] })
const owner = (value: number) => `0x${value.toString(16).padStart(40, '0')}`

afterEach(() => {
  for (const close of closers.splice(0)) close()
})

describe('several endpoints', () => {
  it('behaviour: the first is asked while it answers', async () => {
    const [first, second] = [await start(serving(1)), await start(serving(2))]
    const client = open([first, second])
    await expect(ask(client)).resolves.toBe(owner(1))
    await expect(ask(client)).resolves.toBe(owner(1))
    expect(second.calls).toEqual([])
    expect(first.calls).toEqual(['eth_chainId', 'eth_call', 'eth_call'])
  })

  it.each<[string, Answer]>([
    ['answers with an error page', () => DOWN],
    ['refuses', () => ({ body: { error: { code: -32005, message: 'daily request count exceeded' } } })],
    ['is silent', () => null],
  ])('behaviour: where the first %s, the next is asked, and kept', async (_, broken) => {
    const [first, second] = [await start(broken), await start(serving(2))]
    const client = open([first, second], { requestTimeoutMs: 500 })
    await expect(ask(client)).resolves.toBe(owner(2))
    const callsOfFirst = first.calls.length
    await expect(ask(client)).resolves.toBe(owner(2))
    await expect(client.isReady()).resolves.toBeUndefined()
    expect(first.calls).toHaveLength(callsOfFirst)
  })

  it('behaviour: where nothing listens, the next is asked', async () => {
    const second = await start(serving(2))
    const client = createChainClient({ chainId: 8996, rpcUrl: 'http://127.0.0.1:9', rpcUrls: [second.url] })
    closers.push(() => client.close())
    await expect(ask(client)).resolves.toBe(owner(2))
  })

  it('behaviour: the first is tried again after a while, and the second stands in when it fails once more', async () => {
    let isDown = true
    const first = await start((method, params) => (isDown ? DOWN : serving(1)(method, params)))
    const second = await start(serving(2))
    const client = open([first, second], { fallbackMs: 300 })
    await expect(ask(client)).resolves.toBe(owner(2))
    isDown = false
    await eventually(async () => (await ask(client)) === owner(1))
    isDown = true
    await expect(ask(client)).resolves.toBe(owner(2))
  })

  it('behaviour: where the one that was kept fails, the first is asked', async () => {
    let downOne = 1
    const first = await start((method, params) => (downOne === 1 ? DOWN : serving(1)(method, params)))
    const second = await start((method, params) => (downOne === 2 ? DOWN : serving(2)(method, params)))
    const client = open([first, second])
    await expect(ask(client)).resolves.toBe(owner(2))
    downOne = 2
    await expect(ask(client)).resolves.toBe(owner(1))
  })

  it('error: an endpoint of another chain is never believed', async () => {
    const [first, stranger] = [await start(() => DOWN), await start(serving(2, 1))]
    const client = open([first, stranger])
    await expect(ask(client)).rejects.toMatchObject({
      code: 'UpstreamUnavailable',
      detail: 'The endpoint of chain 8996 serves chain 1.',
    })
    expect(stranger.calls).not.toContain('eth_call')
    const third = await start(serving(3))
    await expect(ask(open([stranger, third]))).resolves.toBe(owner(3))
  })

  it('error: where all fail, no address is told', async () => {
    const client = open([await start(() => DOWN), await start(() => DOWN)])
    const error: unknown = await ask(client).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'UpstreamUnavailable' })
    const told = [String(error), JSON.stringify(error), String((error as Error).stack), String((error as Error).cause)]
    expect(told.join('\n')).not.toMatch(new RegExp(`${ACCESS_KEY}|127.0.0.1`))
  })

  it('error: a chain without an endpoint cannot be opened', () => {
    expect(() => createChainClient({ chainId: 8996 })).toThrow(/has no endpoint/)
  })
})

describe('what is told of calls', () => {
  it('behaviour: method, time, outcome and position, and nothing of addresses', async () => {
    const calls: ChainCall[] = []
    const refusing = await start(() => ({ body: { error: { code: -32000, message: 'busy' } } }))
    const client = open([await start(() => DOWN), refusing, await start(serving(18))], {
      onCall: (call) => calls.push(call),
    })
    await expect(client.tokenDecimals(TOKEN)).resolves.toBe(18)
    await expect(client.tokenDecimals(TOKEN)).resolves.toBe(18)
    expect(calls.map(({ method, outcome, endpoint }) => [method, outcome, endpoint])).toEqual([
      ['eth_chainId', 'failed', 0],
      ['eth_chainId', 'refused', 1],
      ['eth_chainId', 'ok', 2],
      ['eth_call', 'ok', 2],
    ])
    expect(calls.every(({ ms }) => ms >= 0)).toBe(true)
    expect(JSON.stringify(calls)).not.toMatch(/secret|127\.0/)
  })
})
