import { Readable } from 'node:stream'
import type { SignedRequest } from '@c2d/contracts'
import { describe, expect, it } from '@jest/globals'
import { createNonceOrder } from './signed-requests.ts'
import type { OriginAnswer } from './staging/origin.ts'

const signed = (...nonces: string[]): SignedRequest[] => nonces.map((nonce) => ({ nonce, signature: `0x${nonce}` }))
const answer = (status: number, text = ''): OriginAnswer => ({
  status,
  headers: {},
  body: Readable.from([Buffer.from(text)]),
})
const never = new AbortController().signal

/** A provider that takes no nonce below the last one it saw, as the reference does. */
function createProvider(last = 0n) {
  const taken: string[] = []
  return {
    taken,
    overtake: (nonce: bigint) => void (last = nonce),
    send: ({ nonce }: SignedRequest): Promise<OriginAnswer> => {
      if (BigInt(nonce) < last) {
        const error = `Invalid signature expected nonce (${last}) > current nonce (${nonce}).`
        return Promise.resolve(answer(400, JSON.stringify({ error })))
      }
      last = BigInt(nonce)
      taken.push(nonce)
      return Promise.resolve(answer(200))
    },
  }
}

describe('requests that were signed in advance', () => {
  it('are sent in the order of their nonces, each once', async () => {
    const provider = createProvider()
    const requests = createNonceOrder({ timeoutMs: 1_000 }).requestsOf(signed('12', '9', '100'))
    for (const _time of [1, 2, 3]) await requests.ask(provider.send, never)
    expect(provider.taken).toEqual(['9', '12', '100'])
    await expect(requests.ask(provider.send, never)).rejects.toThrow('no request')
  })

  it('behaviour: what another job has overtaken is passed over, for all services of that provider', async () => {
    const provider = createProvider()
    const order = createNonceOrder({ timeoutMs: 1_000 })
    const [one, other] = [order.requestsOf(signed('1', '5', '60')), order.requestsOf(signed('2', '6', '70'))]
    provider.overtake(40n)
    expect((await one.ask(provider.send, never)).status).toBe(200)
    expect((await other.ask(provider.send, never)).status).toBe(200)
    expect(provider.taken).toEqual(['60', '70'])
  })

  it('behaviour: many at once wait for each other’s answers', async () => {
    const provider = createProvider()
    const requests = createNonceOrder({ timeoutMs: 1_000 }).requestsOf(signed('1', '2', '3', '4'))
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() =>
        requests.ask(async (one) => {
          await new Promise((resolve) => setTimeout(resolve, 10 / Number(one.nonce)))
          return provider.send(one)
        }, never),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  })

  it('behaviour: a fraction of a nonce is no reason to send one below it', async () => {
    const provider = createProvider()
    const requests = createNonceOrder({ timeoutMs: 1_000 }).requestsOf(signed('5', '6'))
    let asked = 0
    const send = (one: SignedRequest): Promise<OriginAnswer> => {
      asked += 1
      return asked === 1 ? Promise.resolve(answer(400, 'expected nonce (5.7) > current nonce (5)')) : provider.send(one)
    }
    expect((await requests.ask(send, never)).status).toBe(200)
    expect(provider.taken).toEqual(['6'])
  })

  it('error: any other refusal is handed on with its text', async () => {
    const requests = createNonceOrder({ timeoutMs: 1_000 }).requestsOf(signed('1', '2'))
    const refused = await requests.ask(() => Promise.resolve(answer(400, 'order expired')), never)
    expect(refused.status).toBe(400)
    expect((await refused.body.toArray()).join('')).toBe('order expired')
  })
})
