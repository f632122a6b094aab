import { Readable } from 'node:stream'
import type { SignedRequest } from '@c2d/contracts'
import pLimit from 'p-limit'
import { LastingFailure, type OriginAnswer } from './staging/origin.ts'
import { readRefusal } from './url-origin.ts'

/** Downloads of one service that were signed in advance. */
export interface SignedRequests {
  /**
   * Sends the next one, and those after it as long as a later nonce has overtaken them.
   * @throws LastingFailure when none is left
   */
  ask(send: (signed: SignedRequest) => Promise<OriginAnswer>, signal: AbortSignal): Promise<OriginAnswer>
}

/** What all services of one provider have in common: it takes our nonces in their order. */
export interface NonceOrder {
  requestsOf(requests: readonly SignedRequest[]): SignedRequests
}

/** How a provider refuses a nonce, and which one it has seen (provider-http-api §2.4). */
const OVERTAKEN = /expected nonce \((\d+)(?:\.\d+)?\)/

/**
 * A provider checks the nonce before it answers, so one request at a time waits for its answer; bodies arrive together.
 * @param options.timeoutMs how long the text of a refusal may take
 */
export function createNonceOrder(options: { timeoutMs: number }): NonceOrder {
  const turn = pLimit(1)
  /** The highest the provider is known to have seen. */
  let seen = -1n
  const see = (nonce: string): void => {
    if (BigInt(nonce) > seen) seen = BigInt(nonce)
  }

  return {
    requestsOf(requests) {
      const unused = requests.toSorted((a, b) => (BigInt(a.nonce) < BigInt(b.nonce) ? -1 : 1))
      const takeNext = (): SignedRequest => {
        const index = unused.findIndex(({ nonce }) => BigInt(nonce) > seen)
        const [next] = index === -1 ? [] : unused.splice(0, index + 1).slice(index)
        if (next) return next
        throw new LastingFailure('no request that was signed for its provider is left')
      }
      return {
        ask: (send, signal) =>
          turn(async () => {
            for (;;) {
              signal.throwIfAborted()
              const next = takeNext()
              see(next.nonce)
              const answer = await send(next)
              if (answer.status !== 400) return answer
              const text = await readRefusal(answer, options.timeoutMs)
              const overtakenBy = OVERTAKEN.exec(text)?.[1]
              if (overtakenBy === undefined) return { ...answer, body: Readable.from([Buffer.from(text)]) }
              see(overtakenBy)
            }
          }),
      }
    },
  }
}
