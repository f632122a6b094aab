import { AppError } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import type { JsonRpcProvider, Log } from 'ethers'
import { dataNftInterface, factoryInterface } from './abi.ts'
import type { ChainRpc } from './chain-rpc.ts'
import { computeDid } from './did.ts'
import { createLogReader, type LogReader } from './log-reader.ts'
import { createMetadataReader } from './metadata-reader.ts'
import { createNftList } from './nft-list.ts'

const NFT = '0x1D5CEbD46Eb0a12013DbE1A66733AD39d410F061'
const OTHER_NFT = '0xA74847bf9cebD3696031dC8f0033CF9A009E66Bc'
const FACTORY = '0xe2DD09d719Da89e5a3D0F2549c7E24566e947260'
const HASH = `0x${'11'.repeat(32)}`

interface Range {
  address: string
  fromBlock: number
  toBlock: number
}
type FakeLog = Pick<Log, 'address' | 'blockNumber' | 'index' | 'transactionHash' | 'topics' | 'data'>

/** A chain of some logs, at an endpoint that answers for so many blocks at once and refuses in its own words. */
function createFakeChain(limitBlocks: number, refusal: unknown = rpcError('query exceeds max block range 2000')) {
  const logs: FakeLog[] = []
  const asked: Range[] = []
  let failing: ((range: Range) => boolean) | null = null
  const getLogs = async (range: Range): Promise<FakeLog[]> => {
    asked.push(range)
    if (failing?.(range)) throw rpcError('the node is on fire')
    if (range.toBlock - range.fromBlock + 1 > limitBlocks) throw refusal
    return logs.filter((log) => {
      return log.address === range.address && log.blockNumber >= range.fromBlock && log.blockNumber <= range.toBlock
    })
  }
  const rpc: ChainRpc = {
    read: async (run) => {
      try {
        return await run({ getLogs } as unknown as JsonRpcProvider)
      } catch {
        throw new AppError('UpstreamUnavailable')
      }
    },
    call: async () => 0n,
    checkChain: async () => undefined,
    close: () => undefined,
  }
  return {
    rpc,
    asked,
    readLogs: createLogReader(rpc),
    add: (address: string, blockNumber: number, encoded = { topics: ['0x'], data: '0x' }) =>
      logs.push({ address, blockNumber, index: 0, transactionHash: HASH, ...encoded }),
    remove: (blockNumber: number) => {
      logs.splice(0, logs.length, ...logs.filter((log) => log.blockNumber !== blockNumber))
    },
    failOn: (holds: (range: Range) => boolean) => (failing = holds),
    recover: () => (failing = null),
    askedSince: async (run: () => Promise<unknown>): Promise<Range[]> => {
      const before = asked.length
      await run()
      return asked.slice(before)
    },
  }
}
function rpcError(message: string, code = -32000): Error {
  return Object.assign(new Error('could not coalesce error'), { code: 'UNKNOWN_ERROR', error: { code, message } })
}
const blocksOf = async (readLogs: LogReader, direction: Parameters<LogReader>[1], from: number, to: number) => {
  const blocks: number[] = []
  const query = { address: NFT, topics: [], fromBlock: from, toBlock: to }
  for await (const part of readLogs(query, direction)) blocks.push(...part.map((log) => log.blockNumber))
  return blocks
}
const sizeOf = ({ fromBlock, toBlock }: Range) => toBlock - fromBlock + 1

describe('log reader', () => {
  it('behaviour: what the endpoint grants is asked for at once', async () => {
    const chain = createFakeChain(Infinity)
    for (const block of [0, 5, 9_999_999]) chain.add(NFT, block)
    expect(await blocksOf(chain.readLogs, 'oldest first', 0, 9_999_999)).toEqual([0, 5, 9_999_999])
    expect(chain.asked).toHaveLength(1)
  })

  it.each([
    ['exceed maximum block range: 50000', -32000],
    ['query returned more than 10000 results', -32005],
    ['Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range', -32602],
    ['eth_getLogs is limited to a 10,000 range', -32614],
    ['block range is too wide', -32600],
    ['too many blocks', -32012],
  ])('behaviour: "%s" is taken for a range that is too wide', async (message, code) => {
    const chain = createFakeChain(2_000, rpcError(message, code))
    const blocks = [0, 1_999, 2_000, 17_345, 30_000]
    for (const block of blocks) chain.add(NFT, block)
    expect(await blocksOf(chain.readLogs, 'oldest first', 0, 30_000)).toEqual(blocks)
    const again = await chain.askedSince(() => blocksOf(chain.readLogs, 'oldest first', 0, 30_000))
    expect(Math.max(...again.map(sizeOf))).toBeLessThanOrEqual(2_000)
  })

  it('behaviour: a refusal with an error page is read as well', async () => {
    const refusal = Object.assign(new Error('server response 400'), {
      code: 'SERVER_ERROR',
      info: { requestUrl: 'http://node', responseBody: '{"error":{"message":"block range too large"}}' },
    })
    const chain = createFakeChain(5_000, refusal)
    chain.add(NFT, 12_000)
    expect(await blocksOf(chain.readLogs, 'newest first', 0, 20_000)).toEqual([12_000])
  })

  it('behaviour: every block is read once, from either end', async () => {
    const chain = createFakeChain(7)
    for (let block = 3; block <= 60; block++) chain.add(NFT, block)
    const expected = Array.from({ length: 51 }, (_, index) => index + 5)
    expect(await blocksOf(chain.readLogs, 'oldest first', 5, 55)).toEqual(expected)
    const newestFirst = await blocksOf(chain.readLogs, 'newest first', 5, 55)
    expect(newestFirst.slice(-1)[0]).toBeLessThan(12)
    expect(newestFirst.sort((a, b) => a - b)).toEqual(expected)
  })

  it.each(['daily request count exceeded', 'rate limit reached', 'header not found'])(
    'error: "%s" is a refusal of service, and not asked again in parts',
    async (message) => {
      const chain = createFakeChain(10, rpcError(message))
      await expect(blocksOf(chain.readLogs, 'oldest first', 0, 100)).rejects.toMatchObject({
        code: 'UpstreamUnavailable',
      })
      expect(chain.asked).toHaveLength(1)
    },
  )

  it('error: an endpoint that refuses even one block is unavailable', async () => {
    const chain = createFakeChain(0)
    const reading = blocksOf(chain.readLogs, 'oldest first', 0, 1_000_000)
    await expect(reading).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
    expect(chain.asked.length).toBeLessThan(30)
  })

  it('behaviour: no blocks are no question', async () => {
    const chain = createFakeChain(10)
    expect(await blocksOf(chain.readLogs, 'oldest first', 5, 4)).toEqual([])
    expect(chain.asked).toEqual([])
  })
})

function openReader(chain: ReturnType<typeof createFakeChain>) {
  let newest = 0
  const latestBlock = async () => ({ number: newest, hash: `0x${newest}`, timestamp: 0 })
  const deps = { rpc: chain.rpc, latestBlock, readLogs: chain.readLogs }
  const reader = createMetadataReader({ startBlock: 0, confirmations: 12 }, deps)
  return {
    list: createNftList({ chainId: 8996, factoryAddress: FACTORY, startBlock: 0, confirmations: 12 }, deps),
    blockOfLatest: async (at: number) => {
      newest = at
      return (await reader.latest(NFT, await latestBlock()))?.blockNumber
    },
    moveTo: (block: number) => (newest = block),
  }
}
const metadata = () => dataNftInterface.encodeEventLog('MetadataUpdated', [NFT, 0, '', '0x', '0x00', HASH, 1n, 1n])
const created = (nft: string) => factoryInterface.encodeEventLog('NFTCreated', [nft, NFT, 'N', NFT, 'N', '', true, NFT])

describe('metadata at an endpoint that grants few blocks', () => {
  it('behaviour: the search goes backwards, and not over the same blocks again', async () => {
    const chain = createFakeChain(10_000)
    const reader = openReader(chain)
    chain.add(NFT, 10, metadata())
    expect(await reader.blockOfLatest(1_000_000)).toBe(10)
    const again = await chain.askedSince(() => reader.blockOfLatest(1_000_010))
    expect(again.map(sizeOf).reduce((sum, size) => sum + size)).toBeLessThan(1_000)
    chain.add(NFT, 1_000_020, metadata())
    expect(await reader.blockOfLatest(1_000_030)).toBe(1_000_020)
  })

  it('behaviour: metadata near the newest block is found with one question', async () => {
    const chain = createFakeChain(10_000)
    const reader = openReader(chain)
    await reader.blockOfLatest(500_000)
    chain.add(NFT, 500_001, metadata())
    const asked = await chain.askedSince(() => reader.blockOfLatest(500_002))
    expect(asked).toHaveLength(1)
  })

  it('error: what was there for good and is gone makes it search everything anew', async () => {
    const chain = createFakeChain(Infinity)
    const reader = openReader(chain)
    chain.add(NFT, 10, metadata())
    chain.add(NFT, 20, metadata())
    expect(await reader.blockOfLatest(5_000)).toBe(20)
    chain.remove(20)
    expect(await reader.blockOfLatest(5_001)).toBe(10)
    expect(await reader.blockOfLatest(5_002)).toBe(10)
  })

  it('error: a failed search is not remembered as "none"', async () => {
    const chain = createFakeChain(Infinity)
    const reader = openReader(chain)
    chain.add(NFT, 10, metadata())
    chain.failOn(() => true)
    await expect(reader.blockOfLatest(5_000)).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
    chain.recover()
    expect(await reader.blockOfLatest(5_000)).toBe(10)
  })
})

describe('the list of NFTs at such an endpoint', () => {
  it('behaviour: a reading that fails half way goes on where it was, and lists each NFT once', async () => {
    const chain = createFakeChain(10_000)
    const { list, moveTo } = openReader(chain)
    moveTo(100_000)
    chain.add(FACTORY, 45_000, created(NFT))
    chain.add(FACTORY, 95_000, created(OTHER_NFT))
    chain.failOn(({ fromBlock }) => fromBlock >= 60_000)
    await expect(list.all()).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
    chain.recover()
    const asked = await chain.askedSince(() => list.all())
    expect(Math.min(...asked.map(({ fromBlock }) => fromBlock))).toBeGreaterThan(45_000)
    expect((await list.all()).map((nft) => nft.address)).toEqual([NFT, OTHER_NFT])
    await expect(list.find(computeDid(NFT, 8996))).resolves.toBe(NFT)
  })

  it('behaviour: many who ask at once cause one reading', async () => {
    const chain = createFakeChain(Infinity)
    const { list, moveTo } = openReader(chain)
    moveTo(1_000)
    chain.add(FACTORY, 5, created(NFT))
    const found = await Promise.all(Array.from({ length: 50 }, () => list.find(computeDid(NFT, 8996))))
    expect(new Set(found)).toEqual(new Set([NFT]))
    expect(chain.asked).toHaveLength(1)
  })
})
