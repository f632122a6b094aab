import { AppError, silentLogger, type Logger } from '@c2d/runtime'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createHttpApp } from '../../src/http-app.ts'
import { requestInput } from '../../src/json-body.ts'
import { listen, type Listening } from '../../src/listen.ts'
import { notFound, renderErrors } from '../../src/render-error.ts'

let server: Listening
let base: string
let lines: object[]

beforeEach(async () => {
  lines = []
  const log: Logger = { ...silentLogger, info: (fields) => void lines.push(fields) }
  const app = createHttpApp({ bodyLimitBytes: 1_000 }, { log })
  app.all('/echo', (request, response) => void response.json(requestInput(request)))
  app.get('/known', () => {
    throw new AppError('OrderInvalid', { detail: 'pay first', legacy: { dataset: 'order_invalid' } })
  })
  app.get('/unknown', () => {
    throw new Error('password=hunter2 at /srv/secret')
  })
  app.use(notFound)
  app.use(renderErrors('provider', { log: silentLogger }))
  server = await listen(app, { host: '127.0.0.1', port: 0 })
  base = `http://127.0.0.1:${server.port}`
})
afterEach(() => server.close())

const post = (path: string, body: string, type = 'application/json') =>
  fetch(base + path, { method: 'POST', body, headers: { 'Content-Type': type } })

describe('createHttpApp', () => {
  it('keeps long integers as the text that was signed', async () => {
    const response = await post('/echo', '{"nonce":1700000000123456789,"n":5,"f":1700000000123.456}')
    expect(await response.json()).toEqual({ nonce: '1700000000123456789', n: 5, f: 1700000000123.456 })
  })

  it('behaviour: a query hides the body, and a repeated parameter counts once', async () => {
    expect(await (await post('/echo?a=1&a=2', '{"b":3}')).json()).toEqual({ a: '1' })
  })

  it('behaviour: GET with a JSON body is read', async () => {
    const { default: http } = await import('node:http')
    const body = await new Promise((resolve, reject) => {
      const request = http.request(`${base}/echo`, {
        method: 'GET',
        headers: { 'Content-Type': 'application/json', 'Content-Length': 13 },
      })
      request.on('response', (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('end', () => resolve(text))
      })
      request.on('error', reject)
      request.end('{"jobId":"x"}')
    })
    expect(body).toBe('{"jobId":"x"}')
  })

  it.each(['[1]', '"text"', '5', 'null'])('behaviour: the body %s is no parameters', async (body) => {
    expect(await (await post('/echo', body)).json()).toEqual({})
  })

  it('error: a body that is no JSON, or too large, is the caller’s fault', async () => {
    expect((await post('/echo', '{"a":')).status).toBe(400)
    expect((await post('/echo', JSON.stringify({ a: 'x'.repeat(2_000) }))).status).toBe(413)
  })

  it.each([
    ['a charset nobody knows', { 'Content-Type': 'application/json; charset=klingon' }],
    ['an encoding nobody knows', { 'Content-Type': 'application/json', 'Content-Encoding': 'klingon' }],
    ['a body that is not what its encoding says', { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }],
  ])('error: %s is the caller’s fault', async (_what, headers) => {
    const response = await fetch(`${base}/echo`, { method: 'POST', body: '{}', headers })
    expect([response.status, await response.json()]).toEqual([400, { error: 'The request body cannot be read.' }])
  })

  it('error: what we threw is shown in the words of the ancestor', async () => {
    const response = await fetch(`${base}/known`)
    expect([response.status, await response.json()]).toEqual([400, { error: { dataset: 'order_invalid' } }])
  })

  it('error: what somebody else threw is not shown', async () => {
    const response = await fetch(`${base}/unknown`)
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(text).not.toMatch(/hunter2|srv/)
  })

  it('error: RFC 9457 for those who ask', async () => {
    const response = await fetch(`${base}/known`, { headers: { Accept: 'application/problem+json' } })
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    expect(await response.json()).toMatchObject({ status: 400, code: 'OrderInvalid', detail: 'pay first' })
  })

  it('error: an unknown route answers as the router of the reference', async () => {
    const response = await fetch(`${base}/nowhere`)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ context: null, error: expect.stringMatching(/^404 Not Found: /) })
  })

  it('answers a preflight as the reference does', async () => {
    const response = await fetch(`${base}/echo`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://market.example', 'Access-Control-Request-Headers': 'AuthToken' },
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://market.example')
    expect(response.headers.get('access-control-allow-headers')).toBe('AuthToken')
  })

  it('behaviour: a log line names the path, never the query with its signature', async () => {
    await fetch(`${base}/echo?signature=0xabc&nonce=1`)
    expect(JSON.stringify(lines)).toContain('"/echo"')
    expect(JSON.stringify(lines)).not.toContain('0xabc')
  })
})
