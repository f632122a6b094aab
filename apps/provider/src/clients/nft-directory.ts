import { checksumAddress, computeDid } from '@c2d/chain'
import { AppError } from '@c2d/runtime'
import { z } from 'zod'

/** `NFTCreated` of the ERC721Factory; the new address is its first unindexed member (local chain and contracts §4.3). */
const NFT_CREATED_TOPIC = '0x8125264ec1d174cb383ea0646ea1e6921ca3b0aba20370c8e18389e7c2d6a571'

const hexSchema = z.string().regex(/^0x[0-9a-f]*$/i)
const answerSchema = z.object({ result: z.unknown(), error: z.object({ message: z.string() }).optional() })
const logsSchema = z.array(z.object({ data: hexSchema }))

/**
 * Finds the data NFT that a DID stands for, without a metadata cache: a DID is a hash of the NFT's address, so every
 * NFT the factory ever made is read once and remembered.
 * @param options.startBlock the block before which the factory made none
 * @param options.blocksPerRead how many blocks a node is asked for at once
 * @returns a function that gives the checksummed address, or null for a DID of no such NFT; it throws AppError
 * `UpstreamUnavailable` when the node does not answer
 */
export function createNftDirectory(options: {
  chainId: number
  rpcUrl: string
  factoryAddress: string
  startBlock: number
  timeoutMs: number
  blocksPerRead?: number
}): (did: string) => Promise<string | null> {
  const nftByDid = new Map<string, string>()
  const blocksPerRead = options.blocksPerRead ?? 10_000
  let nextBlock = options.startBlock
  let reading: Promise<void> | null = null

  async function readOn(): Promise<void> {
    const newest = Number(hexSchema.parse(await call('eth_blockNumber', [])))
    while (nextBlock <= newest) {
      const last = Math.min(nextBlock + blocksPerRead - 1, newest)
      const filter = {
        address: options.factoryAddress,
        topics: [NFT_CREATED_TOPIC],
        fromBlock: `0x${nextBlock.toString(16)}`,
        toBlock: `0x${last.toString(16)}`,
      }
      for (const { data } of logsSchema.parse(await call('eth_getLogs', [filter]))) {
        const nft = checksumAddress(`0x${data.slice(26, 66)}`)
        nftByDid.set(computeDid(nft, options.chainId), nft)
      }
      nextBlock = last + 1
    }
  }

  async function call(method: string, params: unknown[]): Promise<unknown> {
    try {
      const response = await fetch(options.rpcUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
        signal: AbortSignal.timeout(options.timeoutMs),
      })
      const answer = answerSchema.parse(await response.json())
      if (answer.error) throw new Error(answer.error.message)
      return answer.result
    } catch (cause) {
      throw new AppError('UpstreamUnavailable', { detail: `The chain ${options.chainId} cannot be read.`, cause })
    }
  }

  return async function findNftByDid(did) {
    if (!nftByDid.has(did)) {
      // Callers that come while a read is under way share it; one that came just before its end asks again.
      reading ??= readOn().finally(() => {
        reading = null
      })
      await reading
    }
    return nftByDid.get(did) ?? null
  }
}
