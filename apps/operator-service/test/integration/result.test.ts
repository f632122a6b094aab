import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { markResultsRemoved } from '@c2d/operator-db'
import { OWNER, ask, sign, start, startOperator, type OperatorUnderTest } from './operator-under-test.ts'

let operator: OperatorUnderTest
let jobId: string
const csv = 'a,b\n1,2\n3,4\n'

beforeAll(async () => {
  operator = await startOperator()
  jobId = await start(operator)
  const other = await start(operator)
  const files = [
    ['rows.csv', csv, 'output'],
    ['naïve "report"\r\nX: y.html', '<b>', 'output'],
    ['algorithm.log', '', 'algorithmLog'],
  ] as const
  const outputs: unknown[] = []
  for (const [index, [filename, text, type]] of files.entries()) {
    const stored = await operator.results.put(jobId, `file-${index}`, Readable.from([text]))
    outputs.push({ filename, filesize: stored.sizeBytes, url: stored.url, type, sha256: stored.sha256 })
  }
  const foreign = await operator.results.put(other, 'secret', Readable.from(['not yours']))
  outputs.push({ filename: 'x', filesize: 9, url: foreign.url, type: 'output' })
  outputs.push({ filename: 'gone', filesize: 9, url: `filesystem:${jobId}/gone`, type: 'output' })
  const copies = [foreign.url, `filesystem:${jobId}/file-0`]
  outputs.push({ filename: 'copied.csv', filesize: 12, url: `filesystem:${jobId}/gone`, type: 'output', copies })
  outputs.push({ filename: 'lost', filesize: 9, url: '', type: 'output', failure: 'the bucket is full' })
  await operator
    .db('jobs')
    .where({ workflowid: jobId })
    .update({ outputsurl: JSON.stringify(outputs) })
})
afterAll(() => operator.close())

function getResult(
  index: string,
  headers: Record<string, string> = {},
  overrides: { owner?: string; jobId?: string } = {},
): Promise<Response> {
  const named = { owner: OWNER, jobId, ...overrides }
  const url = new URL(`${operator.url}/api/v1/operator/getResult`)
  for (const [name, value] of Object.entries({ ...named, index, ...sign(named) })) url.searchParams.set(name, value)
  return fetch(url, { headers })
}

async function complaint(response: Promise<Response>): Promise<[number, string]> {
  const answer = await response
  return [answer.status, ((await answer.json()) as { error: string }).error]
}

describe('GET /getResult', () => {
  it('default: streams the file under its name', async () => {
    const response = await getResult('0')
    expect(response.status).toBe(200)
    expect(await response.text()).toBe(csv)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-disposition': 'attachment;filename=rows.csv',
      'content-length': '12',
      'content-type': expect.stringMatching(/^text\/csv/),
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
    })
    expect(response.headers.has('content-range')).toBe(false)
  })

  it('behaviour: a range is answered with 206', async () => {
    const response = await getResult('0', { Range: 'bytes=4-6' })
    expect(response.status).toBe(206)
    expect(await response.text()).toBe('1,2')
    expect(response.headers.get('content-range')).toBe('bytes 4-6/12')
    expect(response.headers.get('content-length')).toBe('3')
    const suffix = await getResult('0', { Range: 'bytes=-4' })
    expect([suffix.status, await suffix.text()]).toEqual([206, '3,4\n'])
  })

  it('behaviour: a range under a condition counts only for the same bytes', async () => {
    const etag = `"${createHash('sha256').update(csv).digest('hex')}"`
    expect((await getResult('0', { Range: 'bytes=0-0', 'If-Range': etag })).status).toBe(206)
    expect((await getResult('0', { Range: 'bytes=0-0', 'If-Range': '"other"' })).status).toBe(200)
  })

  it('error: a range outside the file is 416 and tells the size', async () => {
    const response = await getResult('0', { Range: 'bytes=12-' })
    expect(response.status).toBe(416)
    expect(response.headers.get('content-range')).toBe('bytes */12')
  })

  it('behaviour: any file name becomes a harmless header', async () => {
    const response = await getResult('1')
    expect(response.status).toBe(200)
    expect(response.headers.has('x')).toBe(false)
    expect(response.headers.get('content-disposition')).toMatch(
      /^attachment;filename="na_ve _report___X: y\.html";filename\*=UTF-8''na%C3%AFve%20%22report%22%0D%0AX%3A%20y\.html$/,
    )
  })

  it('behaviour: an empty file is an empty answer', async () => {
    const response = await getResult('2')
    expect([response.status, await response.text(), response.headers.get('content-length')]).toEqual([200, '', '0'])
  })

  it('error: refuses in the words of the reference', async () => {
    expect(await complaint(getResult('x'))).toEqual([
      400,
      "Error getResult: invalid literal for int() with base 10: 'x'",
    ])
    expect(await complaint(getResult('-1'))).toEqual([404, 'Negative index -1'])
    expect(await complaint(getResult('9'))).toEqual([404, 'No such index 9 in this compute job'])
    const owner = '0x0000000000000000000000000000000000000001'
    expect(await complaint(getResult('0', {}, { owner }))).toEqual([404, `Owner ${owner} mismatch for job ${jobId}`])
    const unknown = 'f'.repeat(32)
    expect(await complaint(getResult('0', {}, { jobId: unknown }))).toEqual([
      404,
      `Owner ${OWNER} mismatch for job ${unknown}`,
    ])
    const keys = ['owner', 'providerSignature', 'nonce', 'index', 'jobId']
    for (const [i, key] of keys.entries()) {
      const query = { other: '1', ...Object.fromEntries(keys.slice(0, i).map((name) => [name, '1'])) }
      const { body } = await ask(operator, 'GET', '/getResult', { query })
      expect(body).toEqual({ error: `"${key}" is required in the call to GET:/getResult` })
    }
  })

  it('behaviour: who has the file already is not sent it again', async () => {
    const etag = `"${createHash('sha256').update(csv).digest('hex')}"`
    for (const tags of [etag, `"x", ${etag}`, `W/${etag}`, '*']) {
      const response = await getResult('0', { 'If-None-Match': tags })
      expect([response.status, await response.text(), response.headers.get('etag')]).toEqual([304, '', etag])
    }
    expect((await getResult('0', { 'If-None-Match': '"other"' })).status).toBe(200)
  })

  it('behaviour: HEAD tells all that GET tells, and sends nothing', async () => {
    const named = { owner: OWNER, jobId }
    const url = new URL(`${operator.url}/api/v1/operator/getResult`)
    for (const [name, value] of Object.entries({ ...named, index: '0', ...sign(named) }))
      url.searchParams.set(name, value)
    const response = await fetch(url, { method: 'HEAD', headers: { Range: 'bytes=4-6' } })
    expect([response.status, await response.text()]).toEqual([206, ''])
    expect(response.headers.get('content-range')).toBe('bytes 4-6/12')
    expect(response.headers.get('content-disposition')).toBe('attachment;filename=rows.csv')
  })

  it('behaviour: what is gone from one place is served from another, of this job only', async () => {
    const response = await getResult('5', { Range: 'bytes=0-2' })
    expect([response.status, await response.text()]).toEqual([206, 'a,b'])
  })

  it('error: a result that could not be stored is told as that', async () => {
    expect(await complaint(getResult('6'))).toEqual([404, '"lost" was not stored: the bucket is full'])
  })

  it('behaviour: many at once, whole and in parts, each get their own bytes', async () => {
    const bytes = Buffer.alloc(700_000, 'abcdefghij')
    const own = await start(operator)
    const stored = await operator.results.put(own, 'large', Readable.from([bytes]))
    const entry = {
      filename: 'large.bin',
      filesize: bytes.length,
      url: stored.url,
      type: 'output',
      sha256: stored.sha256,
    }
    await operator
      .db('jobs')
      .where({ workflowid: own })
      .update({ outputsurl: JSON.stringify([entry]) })
    const partBytes = 100_001
    const downloads = Array.from({ length: 48 }, async (_, i) => {
      const start = i % 8 === 0 ? undefined : (i % 8) * 90_000
      const range = start === undefined ? {} : { Range: `bytes=${start}-${start + partBytes - 1}` }
      const response = await getResult('0', range, { jobId: own })
      const got = Buffer.from(await response.arrayBuffer())
      const wanted = start === undefined ? bytes : bytes.subarray(start, start + partBytes)
      return response.status === (start === undefined ? 200 : 206) && got.equals(wanted)
    })
    expect(await Promise.all(downloads)).toEqual(Array(48).fill(true))
  })

  it('error: an owner is told why there is no result: at work, left none, expired', async () => {
    const own = await start(operator)
    const why = () => complaint(getResult('0', {}, { jobId: own }))
    expect(await why()).toEqual([404, `Job ${own} has no results yet: it is still at work`])
    const row = () => operator.db('jobs').where({ workflowid: own })
    await row().update({ datefinished: operator.db.fn.now() })
    expect(await why()).toEqual([404, `No results for job ${own}`])
    const entry = { filename: 'a', filesize: 1, url: `filesystem:${own}/a`, type: 'output' as const }
    await row().update({ outputsurl: JSON.stringify([entry]), results_expire_at: operator.db.fn.now() })
    expect(await markResultsRemoved(operator.db, { jobId: own, by: 'engine-1', outputs: [entry] })).toBe(true)
    expect(await why()).toEqual([404, `The results of job ${own} have expired and were removed`])
    const owner = '0x0000000000000000000000000000000000000001'
    expect(await complaint(getResult('0', {}, { owner, jobId: own }))).toEqual([
      404,
      `Owner ${owner} mismatch for job ${own}`,
    ])
  })

  it('error: an address of another job, or a file that is gone, is not found', async () => {
    expect((await getResult('3')).status).toBe(404)
    const gone = await getResult('4', { Range: 'bytes=0-1' })
    expect([gone.status, gone.headers.get('content-range')]).toEqual([404, null])
  })

  it('error: a nonce fetches once', async () => {
    const query = { owner: OWNER, jobId, index: '9', ...sign({ jobId }) }
    await ask(operator, 'GET', '/getResult', { query })
    expect(await ask(operator, 'GET', '/getResult', { query })).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/^Error getResult: Invalid signature expected nonce/) },
    })
  })
})
