import { afterEach, describe, expect, it } from '@jest/globals'
import type { Socket } from 'node:net'
import { docsPage } from '../../src/docs-page.ts'
import { serve, type Served } from './serve.ts'

let served: Served | undefined
afterEach(() => served?.close())

const hello = (options: Parameters<typeof serve>[1]) =>
  serve((app) => {
    app.all('/', (request, response) => void response.json({ body: request.body as unknown }))
    app.get('/docs', docsPage('openapi.json?"><script>'))
  }, options)

function answerOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

describe('listen', () => {
  it('error: headers that do not come to an end are cut', async () => {
    served = await hello({ listen: { headersTimeoutMs: 200 } })
    const socket = served.dial()
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
    expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('error: a body that does not come to an end is cut', async () => {
    served = await hello({ listen: { requestTimeoutMs: 300, headersTimeoutMs: 200 } })
    const socket = served.dial()
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{')
    expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 4/)
  })

  it('error: headers beyond their size are refused', async () => {
    served = await hello({ listen: { maxHeaderBytes: 2_000 } })
    expect((await fetch(served.base, { headers: { 'X-Long': 'x'.repeat(1_000) } })).status).toBe(200)
    expect((await fetch(served.base, { headers: { 'X-Long': 'x'.repeat(3_000) } })).status).toBe(431)
  })

  it('error: a body that is nested too deep is the caller’s fault', async () => {
    served = await hello({})
    const post = (levels: number) =>
      fetch(served!.base, {
        method: 'POST',
        body: '['.repeat(levels) + ']'.repeat(levels),
        headers: { 'Content-Type': 'application/json' },
      })
    expect((await post(64)).status).toBe(200)
    const refused = await post(65)
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { error: 'The JSON is nested deeper than 64 levels.' },
    ])
    expect((await post(400_000)).status).toBe(400)
  })
})

describe('docsPage', () => {
  it('behaviour: the page may load nothing but itself and the document', async () => {
    served = await hello({})
    const response = await fetch(`${served.base}/docs`)
    const policy = response.headers.get('content-security-policy') ?? ''
    const html = await response.text()
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    const { createHash } = await import('node:crypto')
    for (const [, text = ''] of html.matchAll(/<(?:script|style)>([^]*?)<\/(?:script|style)>/g)) {
      expect(policy).toContain(createHash('sha256').update(text).digest('base64'))
    }
    expect(html).not.toMatch(/https?:\/\/| src=/)
    expect(html.match(/<script>/g)).toHaveLength(1)
    expect(html).toContain('data-spec="openapi.json?&#34;&#62;&#60;script&#62;"')
  })
})
