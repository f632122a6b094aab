import { createChainClient, type ChainClient } from '@c2d/chain'
import { afterEach, describe, expect, it } from '@jest/globals'
import { startFakeEndpoint, type Answer } from './fake-endpoint.ts'

const NFT = '0x1D5CEbD46Eb0a12013DbE1A66733AD39d410F061'
const DATATOKEN = '0xA74847bf9cebD3696031dC8f0033CF9A009E66Bc'
const HASH = `0x${'ab'.repeat(32)}`
const ACCESS_KEY = 'a-secret-access-key'

const closers: (() => void)[] = []

async function startEndpoint(answer: Answer): Promise<string> {
  const endpoint = await startFakeEndpoint(answer)
  closers.push(endpoint.close)
  return `${endpoint.url}/${ACCESS_KEY}`
}

function openClient(rpcUrl: string): ChainClient {
  const client = createChainClient({ chainId: 8996, rpcUrl, factoryAddress: NFT })
  closers.push(() => client.close())
  return client
}

const failures: [string, (client: ChainClient) => Promise<unknown>][] = [
  ['isReady', (client) => client.isReady()],
  ['listNfts', (client) => client.listNfts()],
  ['findNft', (client) => client.findNft('did:op:0')],
  [
    'isContractSignatureValid',
    (client) => client.isContractSignatureValid({ address: NFT, message: 'text', signature: '0x00' }),
  ],
  ['latestMetadata', (client) => client.latestMetadata(NFT)],
  ['metadataOfTransaction', (client) => client.metadataOfTransaction(HASH, NFT)],
  ['isDatatokenOf', (client) => client.isDatatokenOf(NFT, DATATOKEN)],
  ['isFactoryNft', (client) => client.isFactoryNft(NFT)],
  ['nftOwner', (client) => client.nftOwner(NFT)],
  ['tokenDecimals', (client) => client.tokenDecimals(DATATOKEN)],
  ['latestBlockTimestamp', (client) => client.latestBlockTimestamp()],
  ['loadOrder', (client) => client.loadOrder(HASH, DATATOKEN, { timeoutMs: 5000 })],
]

async function expectUnavailable(run: Promise<unknown>): Promise<void> {
  const error: unknown = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ code: 'UpstreamUnavailable' })
  const told = [String(error), JSON.stringify(error), String((error as Error).stack), String((error as Error).cause)]
  expect(told.join('\n')).not.toContain(ACCESS_KEY)
}

afterEach(() => {
  for (const close of closers.splice(0)) close()
})

describe('a chain that fails', () => {
  it.each(failures)('error: %s says so where nothing listens', async (_, run) => {
    await expectUnavailable(run(openClient(`http://127.0.0.1:9/${ACCESS_KEY}`)))
  })

  it.each(failures)('error: %s says so where the endpoint refuses, and is not taken for a "no"', async (_, run) => {
    const refusal = { error: { code: -32005, message: 'daily request count exceeded' } }
    await expectUnavailable(run(openClient(await startEndpoint(() => ({ body: refusal })))))
  })

  it.each(failures)('error: %s says so where the endpoint answers with an error page', async (_, run) => {
    await expectUnavailable(run(openClient(await startEndpoint(() => ({ status: 502, body: {} })))))
  })

  it.each([
    ['with its code', { code: 3, message: 'execution reverted: nope', data: '0x' }],
    ['with its words only', { code: -32000, message: 'execution reverted' }],
    ['because its code is broken', { code: -32000, message: 'stack underflow (0 <=> 2)' }],
    ['in the words of anvil', { code: -32603, message: 'EVM error StackUnderflow' }],
  ])('behaviour: a call that reverts %s is a "no"', async (_, error) => {
    const client = openClient(await startEndpoint(() => ({ body: { error } })))
    await expect(client.isDatatokenOf(NFT, DATATOKEN)).resolves.toBe(false)
    await expect(client.isFactoryNft(NFT)).resolves.toBe(false)
  })

  it('behaviour: an order that is mined while it is waited for is found', async () => {
    const minedAt = Date.now() + 300
    const word = (value: number) => `0x${value.toString(16)}`
    const zeros = (bytes: number) => `0x${'00'.repeat(bytes)}`
    const receipt = {
      ...{ transactionHash: HASH, blockHash: HASH, blockNumber: word(2), transactionIndex: word(0), type: word(2) },
      ...{ from: NFT, to: DATATOKEN, contractAddress: null, status: word(1), logs: [], logsBloom: zeros(256) },
      ...{ gasUsed: word(1), cumulativeGasUsed: word(1), effectiveGasPrice: word(1), root: null },
    }
    const block = {
      ...{ hash: HASH, parentHash: HASH, number: word(2), timestamp: word(1700000000), nonce: zeros(8) },
      ...{ difficulty: word(0), gasLimit: word(1), gasUsed: word(1), miner: NFT, extraData: '0x', transactions: [] },
    }
    const rpcUrl = await startEndpoint((method) => {
      if (method === 'eth_getBlockByHash') return { body: { result: block } }
      return { body: { result: Date.now() < minedAt ? null : receipt } }
    })
    const order = await openClient(rpcUrl).loadOrder(HASH, DATATOKEN, { timeoutMs: 10_000 })
    expect(order).toMatchObject({ transactionHash: HASH, succeeded: true, blockTimestamp: 1700000000, orders: [] })
  })
})
