import { AppError } from '@c2d/runtime'
import type { ChainRpc } from './chain-rpc.ts'

/** What we need of a block. */
export interface BlockHead {
  number: number
  hash: string
  /** Epoch seconds. */
  timestamp: number
}

/** Gives the newest block, or one that was the newest a moment ago. */
export type LatestBlock = () => Promise<BlockHead>

/**
 * Asks for the newest block, at most once in a while.
 * @param options.maxAgeMs how old an answer may be; callers in that time share it
 */
export function createLatestBlock(rpc: ChainRpc, options: { chainId: number; maxAgeMs: number }): LatestBlock {
  let last: { askedAt: number; answer: Promise<BlockHead> } | null = null

  const ask = async (): Promise<BlockHead> => {
    const block = await rpc.read((provider) => provider.getBlock('latest'))
    if (block?.hash) return { number: block.number, hash: block.hash, timestamp: block.timestamp }
    throw new AppError('UpstreamUnavailable', { detail: `The chain ${options.chainId} has no newest block.` })
  }

  return () => {
    if (last && performance.now() - last.askedAt < options.maxAgeMs) return last.answer
    const asked = { askedAt: performance.now(), answer: ask() }
    last = asked
    asked.answer.catch(() => {
      if (last === asked) last = null // a failure is told to those who wait for it, and not remembered
    })
    return asked.answer
  }
}
