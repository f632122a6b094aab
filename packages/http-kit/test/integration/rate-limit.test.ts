import { afterEach, describe, expect, it } from '@jest/globals'
import { limitRequests, type RateLimit } from '../../src/rate-limit.ts'
import { serve, type Served } from './serve.ts'

let served: Served | undefined

async function open(limit: Partial<RateLimit> = {}, trustedProxies?: number): Promise<string> {
  served = await serve(
    (app) => {
      app.use(limitRequests({ windowMs: 600_000, limit: 2, ...limit }))
      app.get('/', (_request, response) => void response.json({}))
    },
    trustedProxies === undefined ? {} : { trustedProxies },
  )
  return served.base
}
const statuses = async (base: string, headers: Record<string, string>[]) => {
  const seen: number[] = []
  for (const one of headers) seen.push((await fetch(base, { headers: one })).status)
  return seen
}
const from = (address: string) => ({ 'X-Forwarded-For': address })

afterEach(() => served?.close())

describe('limitRequests', () => {
  it('error: requests beyond the limit are refused as errors of ours, and told when to come back', async () => {
    const base = await open()
    expect(await statuses(base, [{}, {}, {}])).toEqual([200, 200, 429])
    const refused = await fetch(base, { headers: { Accept: 'application/problem+json' } })
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThanOrEqual(600)
    expect(await refused.json()).toMatchObject({ status: 429, code: 'TooManyRequests' })
    expect(await (await fetch(base)).json()).toEqual({
      error: expect.stringMatching(/^Too many requests: try again in/),
    })
  })

  it('behaviour: a window ends', async () => {
    const base = await open({ windowMs: 300, limit: 1 })
    await fetch(base)
    const deadline = Date.now() + 30_000
    let status = 429
    while (status !== 200 && Date.now() < deadline) status = (await fetch(base)).status
    expect(status).toBe(200)
  })

  it('error: a forwarded address that nobody vouches for gives no fresh share', async () => {
    expect(await statuses(await open(), [from('8.8.8.1'), from('8.8.8.2'), from('8.8.8.3')])).toEqual([200, 200, 429])
  })

  it('behaviour: behind a trusted proxy each client has its share', async () => {
    const headers = [from('8.8.8.1'), from('8.8.8.1'), from('8.8.8.2'), from('8.8.8.1')]
    expect(await statuses(await open({}, 1), headers)).toEqual([200, 200, 200, 429])
  })

  it('error: what a client puts before the address its proxy saw does not count', async () => {
    const headers = [from('1.1.1.1, 8.8.8.1'), from('1.1.1.2, 8.8.8.1'), from('1.1.1.3, 8.8.8.1')]
    expect(await statuses(await open({}, 1), headers)).toEqual([200, 200, 429])
  })

  it('behaviour: the addresses of one IPv6 household are one client', async () => {
    const headers = [from('2001:db8:0:1::1'), from('2001:db8:0:2::1'), from('2001:db8:0:3::1'), from('2001:db9::1')]
    expect(await statuses(await open({}, 1), headers)).toEqual([200, 200, 429, 200])
  })

  it('behaviour: a key of the caller counts instead of the address, where there is one', async () => {
    const base = await open({ keyOf: (request) => request.get('x-owner') })
    const owner = (name: string) => ({ 'X-Owner': name })
    expect(await statuses(base, [owner('a'), owner('a'), owner('a'), owner('b'), {}])).toEqual([
      200, 200, 429, 200, 200,
    ])
  })
})
