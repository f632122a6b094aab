import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openEventStream, type EventStream } from '../../src/sse.ts'
import { eventually, serve, type Served } from './serve.ts'

let served: Served
let streams: EventStream[]

beforeEach(async () => {
  streams = []
  served = await serve((app) => {
    app.get('/events', (request, response) => {
      streams.push(openEventStream(request, response, { heartbeatMs: Number(request.query['beat'] ?? 600_000) }))
    })
  })
})
afterEach(() => {
  for (const stream of streams) stream.close()
  return served.close()
})

const opened = async (path = '/events', headers: Record<string, string> = {}) => {
  const response = await fetch(served.base + path, { headers })
  const stream = streams[0]
  if (!stream || !response.body) throw new Error('no stream was opened')
  return { response, stream, reader: response.body.pipeThrough(new TextDecoderStream()).getReader() }
}
type Reader = Awaited<ReturnType<typeof opened>>['reader']

async function readUntil(reader: Reader, end: string): Promise<string> {
  let text = ''
  while (!text.includes(end)) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`the stream ended after ${JSON.stringify(text)}`)
    text += value
  }
  return text
}

describe('openEventStream', () => {
  it('behaviour: headers arrive before the first event', async () => {
    const { response, stream, reader } = await opened('/events', { 'Last-Event-ID': '41' })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    expect(stream.lastEventId).toBe('41')
    stream.close()
    await reader.closed
  })

  it('behaviour: events are written as the standard has them', async () => {
    const { stream, reader } = await opened()
    await stream.send({ id: '7', event: 'status', data: { status: 70 } })
    await stream.send({ data: 'two\r\nlines\n' })
    expect(await readUntil(reader, 'lines\ndata: \n\n')).toBe(
      'id: 7\nevent: status\ndata: {"status":70}\n\ndata: two\ndata: lines\ndata: \n\n',
    )
    stream.close()
    expect((await reader.read()).done).toBe(true)
    expect(stream.signal.aborted).toBe(true)
  })

  it('error: an event cannot be made to carry another', async () => {
    const { stream } = await opened()
    await expect(stream.send({ event: 'a\ndata: forged', data: 1 })).rejects.toThrow(
      /event of an event must be one line/,
    )
    await expect(stream.send({ id: '1\r', data: 1 })).rejects.toThrow(/id of an event must be one line/)
  })

  it('behaviour: heartbeats come while nothing happens', async () => {
    const { reader } = await opened('/events?beat=20')
    expect(await readUntil(reader, ':\n\n:\n\n')).toMatch(/^(:\n\n)+$/)
  })

  it('behaviour: it ends when the client goes, and sending then is harmless', async () => {
    const { stream, reader } = await opened()
    await reader.cancel()
    await eventually(() => stream.signal.aborted)
    await stream.send({ data: 'nobody listens' })
    stream.close()
    stream.close()
  })

  it('behaviour: a client that does not read holds the sender up, until it reads or goes', async () => {
    const socket = served.dial()
    socket.pause()
    socket.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n')
    await eventually(() => streams.length === 1)
    const stream = streams[0]!
    let sent = 0
    const pump = (async () => {
      while (!stream.signal.aborted) {
        await stream.send({ data: 'x'.repeat(100_000) })
        sent++
      }
    })()
    const stuckAt = async () => {
      const before = sent
      await new Promise((resolve) => setTimeout(resolve, 300))
      return sent === before
    }
    await eventually(stuckAt)
    const heldAt = sent
    socket.on('data', () => undefined)
    socket.resume()
    await eventually(() => sent > heldAt)
    socket.pause()
    await eventually(stuckAt)
    socket.destroy()
    await pump
    expect(stream.signal.aborted).toBe(true)
  })
})
