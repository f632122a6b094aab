import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { openAdoptedResults } from '../../src/clients/adopted-results.ts'
import { OWNER, ask, sign, start, startOperator, type OperatorUnderTest } from './operator-under-test.ts'

const CSV = 'a,b\n1,2\n3,4\n'
const LARGE = Buffer.alloc(3_000_000, 'x')

let operator: OperatorUnderTest
let origin: Server
let elsewhere: Server
let jobId: string
let asked: { url: string; range: string | undefined }[]
const names = ['rows.csv', 'large.bin', 'empty.txt', 'gone', 'busy', 'moved', 'cut', 'no-ranges', 'no-size']

beforeAll(async () => {
  elsewhere = await listen(createServer((_request, response) => response.end('inside')))
  origin = await listen(
    createServer((request, response) => {
      const { url = '/' } = request
      const { range } = request.headers
      asked.push({ url, range })
      const bytes = url === '/large.bin' || url === '/cut' ? LARGE : Buffer.from(url === '/empty.txt' ? '' : CSV)
      const size = bytes.length
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
      if (url === '/gone') response.writeHead(404).end('<html>')
      else if (url === '/busy') response.writeHead(500).end()
      else if (url === '/moved') response.writeHead(302, { Location: addressOf(elsewhere) }).end()
      else if (url === '/no-size') response.write(CSV, () => response.end())
      else if (url === '/no-ranges' || first === undefined) {
        response.writeHead(200, { 'Content-Length': size, 'Content-Type': 'text/html' })
        if (url === '/cut') response.write(bytes.subarray(0, 1_000), () => response.destroy())
        else response.end(bytes)
      } else if (Number(first) >= size) response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end()
      else {
        const end = Math.min(Number(last), size - 1)
        const part = bytes.subarray(Number(first), end + 1)
        response.writeHead(206, { 'Content-Range': `bytes ${first}-${end}/${size}` }).end(part)
      }
    }),
  )
  const options = { origins: [addressOf(origin)], timeoutMs: 5_000 }
  operator = await startOperator({}, (stores) => openAdoptedResults(options, { stores }))
  jobId = await start(operator)
  await keep([
    ...names.map((name) => `${addressOf(origin)}/${name}`),
    addressOf(elsewhere),
    `http://user@${new URL(addressOf(elsewhere)).host}/`,
    'ftp://host/file',
  ])
})
afterAll(async () => {
  await operator.close()
  for (const server of [origin, elsewhere]) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})
beforeEach(() => void (asked = []))

function listen(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}
function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
/** As the publish pod of the original wrote it: four members, no hash. */
function keep(urls: string[], change: object = {}): Promise<number> {
  const outputs = urls.map((url, index) => ({ filename: names[index] ?? 'x', filesize: 12, url, type: 'output' }))
  return operator
    .db('jobs')
    .where({ workflowid: jobId })
    .update({ outputsurl: JSON.stringify(outputs), ...change })
}
function getResult(name: string | number, init: RequestInit = {}): Promise<Response> {
  const index = String(typeof name === 'number' ? name : names.indexOf(name))
  const url = new URL(`${operator.url}/api/v1/operator/getResult`)
  const call = { owner: OWNER, jobId }
  for (const [key, value] of Object.entries({ ...call, index, ...sign(call) })) url.searchParams.set(key, value)
  return fetch(url, init)
}
async function complaint(response: Promise<Response>): Promise<[number, string]> {
  const answer = await response
  return [answer.status, ((await answer.json()) as { error: string }).error]
}

describe('results that an engine of the original left at web addresses', () => {
  it('are served under the name of their row, whatever their origin calls them', async () => {
    const response = await getResult('rows.csv')
    expect([response.status, await response.text()]).toEqual([200, CSV])
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-disposition': 'attachment;filename=rows.csv',
      'content-length': '12',
      'content-type': expect.stringMatching(/^text\/csv/),
    })
    const empty = await getResult('empty.txt')
    expect([empty.status, await empty.text()]).toEqual([200, ''])
  })

  it('behaviour: a range is passed on, and only that part is fetched', async () => {
    const response = await getResult('large.bin', { headers: { Range: 'bytes=2000000-2000003' } })
    expect([response.status, await response.text()]).toEqual([206, 'xxxx'])
    expect(response.headers.get('content-range')).toBe('bytes 2000000-2000003/3000000')
    expect(asked.map(({ range }) => range)).toEqual(['bytes=0-0', 'bytes=2000000-2000003'])
    expect((await getResult('large.bin', { headers: { Range: 'bytes=3000000-' } })).status).toBe(416)
  })

  it('behaviour: a large one arrives whole, and HEAD fetches none of it', async () => {
    const whole = Buffer.from(await (await getResult('large.bin')).arrayBuffer())
    expect(whole.equals(LARGE)).toBe(true)
    asked = []
    const head = await getResult('large.bin', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '3000000'])
    expect(asked.map(({ range }) => range)).toEqual(['bytes=0-0'])
  })

  it('error: an origin that is not named is not asked, by a redirect neither', async () => {
    let isAsked = false
    elsewhere.on('request', () => (isAsked = true))
    const told = 'The result of this earlier job lies at an address that this operator does not serve results from.'
    expect(await complaint(getResult(names.length))).toEqual([404, told])
    expect(await complaint(getResult(names.length + 1))).toEqual([404, told])
    expect((await getResult('moved')).status).toBe(503)
    expect((await complaint(getResult(names.length + 2)))[0]).toBe(404)
    expect(isAsked).toBe(false)
  })

  it.each([
    ['gone', 404],
    ['busy', 503],
    ['no-size', 503],
  ])('error: what cannot be had is said, without an address: %s', async (name, status) => {
    const [got, text] = await complaint(getResult(name))
    expect(got).toBe(status)
    expect(text).not.toContain('127.0.0.1')
  })

  it('error: an origin without ranges gives all or nothing', async () => {
    expect((await getResult('no-ranges')).status).toBe(200)
    expect((await getResult('no-ranges', { headers: { Range: 'bytes=1-2' } })).status).toBe(503)
  })

  it('error: a cut stays a cut', async () => {
    const response = await getResult('cut')
    expect(response.status).toBe(200)
    await expect(response.arrayBuffer()).rejects.toThrow()
  })

  it('error: a job that an engine of ours ran has none of them: whoever wrote them there was not it', async () => {
    await keep([`${addressOf(origin)}/rows.csv`], { epoch: 1 })
    expect((await getResult(0)).status).toBe(404)
    expect(asked).toEqual([])
  })
})

describe('without the setting', () => {
  it('error: no web address is read, and the answer says so', async () => {
    const other = await startOperator({}, (stores) => openAdoptedResults({ origins: [], timeoutMs: 1_000 }, { stores }))
    try {
      const id = await start(other)
      const outputs = [{ filename: 'rows.csv', filesize: 12, url: `${addressOf(origin)}/rows.csv`, type: 'output' }]
      await other
        .db('jobs')
        .where({ workflowid: id })
        .update({ outputsurl: JSON.stringify(outputs) })
      const call = { owner: OWNER, jobId: id }
      const answer = await ask(other, 'GET', '/getResult', { query: { ...call, index: '0', ...sign(call) } })
      expect([answer.status, JSON.stringify(answer.body)]).toEqual([404, expect.stringContaining('does not serve')])
    } finally {
      await other.close()
    }
  })
})
