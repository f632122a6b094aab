import { createHash, randomBytes } from 'node:crypto'
import { Agent, get, request as httpRequest, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import { createOperatorService } from '../../src/clients/operator-service.ts'
import { nextNonce } from './support/api.ts'
import { openResultHouse, type ResultHouse } from './support/result-house.ts'
import { PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

const MIB = 1024 * 1024
const agent = new Agent({ maxSockets: Infinity })

describe('results, through provider and operator-service', () => {
  let house: ResultHouse
  let stack: Stack
  let jobId: string
  const large = randomBytes(6 * MIB + 17)
  /** More than the sockets on the way hold together. */
  const huge = Buffer.alloc(64 * MIB, 'huge')
  const etag = `"${createHash('sha256').update(large).digest('hex')}"`

  beforeAll(async () => {
    house = await openResultHouse()
    stack = await startStack(
      {},
      { operator: createOperatorService({ url: house.url, universalKey: PROVIDER_KEY, timeoutMs: 60_000 }) },
    )
    jobId = await keepJob([
      { filename: 'large.bin', bytes: large },
      { filename: 'Ergebnis – 結果 🦀.csv', bytes: Buffer.from('a,b\n') },
      { filename: 'x.csv"\r\nSet-Cookie: a=b\r\n\r\n<script>', bytes: Buffer.from('harmless') },
      { filename: 'huge.bin', bytes: huge },
    ])
  })
  afterAll(async () => {
    agent.destroy()
    await stack.close()
    await house.close()
  })

  const keepJob = (results: readonly { filename: string; bytes: Buffer }[]): Promise<string> =>
    house.keepJob(stack.consumer.address, results)

  /** A signed address, as ocean.js makes it. */
  function address(index: number, ofJob = jobId): string {
    const { address: consumerAddress, key } = stack.consumer
    const nonce = nextNonce()
    const signature = signMessage(`${consumerAddress}${ofJob}${index}${nonce}`, key)
    const query = new URLSearchParams({ consumerAddress, jobId: ofJob, index: String(index), nonce, signature })
    return `${stack.url}/api/services/computeResult?${query.toString()}`
  }

  /** The answer, its body not read yet. */
  const open = (index: number, headers: Record<string, string> = {}, ofJob = jobId): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      get(address(index, ofJob), { agent, headers }, resolve).on('error', reject)
    })

  async function download(index: number, headers: Record<string, string> = {}) {
    const answer = await open(index, headers)
    return { status: answer.statusCode, headers: answer.headers, body: await readAll(answer) }
  }

  it('behaviour: 64 at once, whole and in parts, are each byte-identical', async () => {
    const downloads = Array.from({ length: 64 }, async (_, i) => {
      if (i % 2 === 0) return (await download(0)).body.equals(large)
      const [from, to] = [i * 50_021, i * 50_021 + 2 * MIB]
      const { status, body } = await download(0, { Range: `bytes=${from}-${to}` })
      return status === 206 && body.equals(large.subarray(from, to + 1))
    })
    expect(await Promise.all(downloads)).toEqual(Array(64).fill(true))
  })

  it('behaviour: a download that was cut is resumed where it ended, and leaves nothing open behind it', async () => {
    const answer = await open(0)
    const first: Buffer[] = []
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      first.push(chunk)
      if (Buffer.concat(first).length > MIB) break // destroys the answer, and with it the connection
    }
    const had = Buffer.concat(first)
    expect(answer.headers).toMatchObject({ etag, 'accept-ranges': 'bytes', 'content-length': String(large.length) })
    const rest = await download(0, { Range: `bytes=${had.length}-`, 'If-Range': etag })
    expect(rest.status).toBe(206)
    expect(rest.headers['content-range']).toBe(`bytes ${had.length}-${large.length - 1}/${large.length}`)
    expect(Buffer.concat([had, rest.body]).equals(large)).toBe(true)
    await eventually(async () => (await house.countOpenResults()) === 0)
  })

  it('behaviour: the rest of another file is not sent, but all of this one', async () => {
    const answer = await download(0, { Range: 'bytes=5-', 'If-Range': '"another"' })
    expect([answer.status, answer.body.length]).toEqual([200, large.length])
  })

  it('behaviour: several ranges at once are answered with the whole file (RFC 9110 §14.2)', async () => {
    const answer = await download(0, { Range: 'bytes=0-1,4-5' })
    expect([answer.status, answer.body.equals(large)]).toEqual([200, true])
  })

  it('behaviour: who has the file is not sent it again', async () => {
    const answer = await download(0, { 'If-None-Match': etag })
    expect([answer.status, answer.body.length, answer.headers.etag]).toEqual([304, 0, etag])
  })

  it('error: a range outside the file is 416 and tells the size', async () => {
    const answer = await download(0, { Range: `bytes=${large.length}-` })
    expect([answer.status, answer.headers['content-range']]).toEqual([416, `bytes */${large.length}`])
  })

  it('behaviour: a name in any script arrives (RFC 6266)', async () => {
    const { headers } = await download(1)
    const [, encoded = ''] = /filename\*=UTF-8''(\S+)$/.exec(headers['content-disposition'] ?? '') ?? []
    expect(decodeURIComponent(encoded)).toBe('Ergebnis – 結果 🦀.csv')
    expect(headers['content-type']).toMatch(/^text\/csv/)
    expect(headers['access-control-expose-headers']).toMatch(/Content-Disposition.*Content-Range.*ETag/)
  })

  it('error: no name adds a header or ends the head', async () => {
    const { headers, body } = await download(2)
    expect(body.toString()).toBe('harmless')
    expect(headers['set-cookie']).toBeUndefined()
    expect(headers['content-disposition']).toMatch(/^attachment;filename="[^"\r\n;]*";filename\*=UTF-8''[\w.%~-]+$/)
  })

  it('behaviour: a client that reads slowly gets all of it, and holds up nobody', async () => {
    const slow = await open(3)
    slow.pause()
    const others = await Promise.all(Array.from({ length: 8 }, () => download(0)))
    expect(others.every(({ body }) => body.equals(large))).toBe(true)
    expect((await readAll(slow)).equals(huge)).toBe(true)
  })

  it('behaviour: clients that go away free everything', async () => {
    const answers = await Promise.all(Array.from({ length: 16 }, () => open(3)))
    await eventually(async () => (await house.countOpenResults()) === answers.length)
    for (const answer of answers) answer.destroy()
    await eventually(async () => (await house.countOpenResults()) === 0)
  })

  it('error: HEAD is refused, as in the reference', async () => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(address(0), { method: 'HEAD', agent }, resolve).on('error', reject).end()
    })
    answer.resume()
    expect(answer.statusCode).toBe(405)
  })

  it('error: operator-service dies in mid-download: the client sees a cut, not a short file', async () => {
    const answer = await open(3)
    await house.kill()
    await expect(readAll(answer)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect((await download(0)).status).toBe(503)
  })
})

async function readAll(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Waits for a condition that will come true. @throws Error when it does not */
async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await isTrue());) {
    if (Date.now() > deadline) throw new Error('it did not come true')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
