import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { announceEngine, claimJobs, endExpiredQueued, finishJob, loadJob } from '@c2d/operator-db'
import {
  ENGINE_SECRET,
  ENVIRONMENT,
  OWNER,
  STRANGER_KEY,
  sign,
  start,
  startOperator,
  type OperatorUnderTest,
} from './operator-under-test.ts'

let operator: OperatorUnderTest
let engine: Server
let answerLog: (request: IncomingMessage, response: ServerResponse) => void

beforeAll(async () => {
  operator = await startOperator()
  engine = createServer((request, response) => answerLog(request, response))
  await new Promise<void>((resolve) => engine.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  engine.closeAllConnections()
  await new Promise((resolve) => engine.close(resolve))
  await operator.close()
})
afterEach(() => engine.closeAllConnections())

const OTHER = '0x0000000000000000000000000000000000000001'

function open(
  jobId: string,
  what: 'events' | 'logs',
  m: { owner?: string; key?: string; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  const url = new URL(`${operator.url}/api/v1/operator/jobs/${jobId}/${what}`)
  const owner = m.owner ?? OWNER
  const signed = sign({ owner, jobId, ...(m.key === undefined ? {} : { key: m.key }) })
  for (const [name, value] of Object.entries({ owner, ...signed })) url.searchParams.set(name, value)
  return fetch(url, { headers: m.headers ?? {}, signal: m.signal ?? null })
}

/** A job that an engine holds, and whether that engine says where it is. */
async function claimedJob(
  m: { isReachable: boolean } = { isReachable: true },
): Promise<{ jobId: string; epoch: number }> {
  const jobId = await start(operator)
  const claimedBy = `engine-of-${jobId}`
  const jobs = await claimJobs(operator.db, { environment: ENVIRONMENT, maxJobs: 1_000, claimedBy, leaseSeconds: 300 })
  const job = jobs.find((claimed) => claimed.jobId === jobId)
  if (!job) throw new Error('the job was not claimed')
  const url = `http://127.0.0.1:${(engine.address() as AddressInfo).port}/`
  if (m.isReachable) await announceEngine(operator.db, { instance: claimedBy, url })
  return job
}

interface StreamedEvent {
  id?: string
  event?: string
  data: { what?: string; jobId?: string; dateFinished?: string | null }
}

/** Reads a stream until it ends, and calls back with each event. */
async function readEvents(
  response: Response,
  onEvent: (event: StreamedEvent) => void | Promise<void> = () => undefined,
): Promise<{ events: StreamedEvent[]; comments: number }> {
  const events: StreamedEvent[] = []
  let comments = 0
  let text = ''
  if (!response.body) throw new Error('no body')
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end)
      text = text.slice(end + 2)
      if (block.startsWith(':')) {
        comments += 1
        continue
      }
      const fields = Object.fromEntries(
        block.split('\n').map((line) => [line.split(': ', 1)[0], line.replace(/^\w+: /, '')]),
      ) as Record<string, string>
      const event = { ...fields, data: JSON.parse(fields['data'] ?? 'null') as StreamedEvent['data'] }
      events.push(event)
      await onEvent(event)
    }
  }
  return { events, comments }
}

const whats = (events: StreamedEvent[]) => events.map((event) => event.event ?? event.data.what)

describe('GET /jobs/{id}/events', () => {
  it('default: tells what happened, then what happens, and ends with the job', async () => {
    const { jobId, epoch } = await claimedJob()
    const response = await open(jobId, 'events')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const { events } = await readEvents(response, async (event) => {
      if (event.data.what === 'claimed') await finishJob(operator.db, { jobId, epoch, by: 'engine-1' })
    })
    expect(whats(events)).toEqual(['created', 'claimed', 'finished', 'end'])
    expect(events.at(-1)?.data).toMatchObject({ jobId, dateFinished: expect.any(String) })
    const ids = events.slice(0, -1).map((event) => Number(event.id))
    expect(ids).toEqual([...ids].sort((a, b) => a - b))
  })

  it('behaviour: a silent stream says that it lives', async () => {
    const { jobId, epoch } = await claimedJob()
    const gone = new AbortController()
    const response = await open(jobId, 'events', { signal: gone.signal })
    let text = ''
    for await (const chunk of (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
      text += chunk
      if (text.includes('\n\n:\n\n')) break
    }
    gone.abort()
    await finishJob(operator.db, { jobId, epoch, by: 'engine-1' })
    expect(text).toContain('"what":"claimed"')
  })

  it('behaviour: who comes back gets only what it has not seen', async () => {
    const { jobId, epoch } = await claimedJob()
    await finishJob(operator.db, { jobId, epoch, by: 'engine-1' })
    const { events } = await readEvents(await open(jobId, 'events'))
    const [created, claimed] = events
    const since = async (id: string | undefined) => {
      const response = await open(jobId, 'events', { headers: { 'Last-Event-ID': id ?? '' } })
      return whats((await readEvents(response)).events)
    }
    expect(await since(created?.id)).toEqual(['claimed', 'finished', 'end'])
    expect(await since(claimed?.id)).toEqual(['finished', 'end'])
    expect(await since('99999999999')).toEqual(['end'])
    expect(await since('-1; DROP TABLE jobs')).toEqual(['created', 'claimed', 'finished', 'end'])
  })

  it('behaviour: a job that ends in the queue ends its stream', async () => {
    const jobId = await start(operator)
    const { events } = await readEvents(await open(jobId, 'events'), async (event) => {
      if (event.data.what !== 'created') return
      await operator.db.raw(`UPDATE jobs SET datecreated = datecreated - interval '1 day' WHERE workflowid = ?`, [
        jobId,
      ])
      const environments = [{ id: ENVIRONMENT, maxQueueSeconds: 3600 }]
      await endExpiredQueued(operator.db, { environments, by: 'engine-1', limit: 9 })
    })
    expect(whats(events)).toEqual(['created', 'finished', 'end'])
  })

  it('behaviour: many follow one job, and each sees all of it', async () => {
    const { jobId, epoch } = await claimedJob()
    const responses = await Promise.all(Array.from({ length: 30 }, () => open(jobId, 'events')))
    const streams = responses.map((response) => readEvents(response))
    await finishJob(operator.db, { jobId, epoch, by: 'engine-1' })
    for (const { events } of await Promise.all(streams)) {
      expect(whats(events)).toEqual(['created', 'claimed', 'finished', 'end'])
    }
  })

  it('behaviour: signs by headers as well', async () => {
    const { jobId, epoch } = await claimedJob()
    await finishJob(operator.db, { jobId, epoch, by: 'engine-1' })
    const { nonce, providerSignature } = sign({ jobId })
    const headers = { 'X-Owner': OWNER, 'X-Nonce': nonce, 'X-Provider-Signature': providerSignature }
    const url = `${operator.url}/api/v1/operator/jobs/${jobId}/events`
    expect((await readEvents(await fetch(url, { headers }))).events).toHaveLength(4)
    expect((await fetch(url, { headers })).status).toBe(400) // a nonce opens one stream
  })

  it('error: unsigned, a stranger, another owner, no such job, another verb', async () => {
    const jobId = await start(operator)
    const url = `${operator.url}/api/v1/operator/jobs/${jobId}/events`
    expect((await fetch(url)).status).toBe(400)
    expect((await open(jobId, 'events', { key: STRANGER_KEY })).status).toBe(401)
    const foreign = await open(jobId, 'events', { owner: OTHER })
    expect([foreign.status, await foreign.json()]).toEqual([404, { error: `Owner ${OTHER} mismatch for job ${jobId}` }])
    for (const unknown of ['f'.repeat(32), 'x', `${jobId.slice(0, -1)}%00`]) {
      expect((await open(unknown, 'events')).status).toBeGreaterThanOrEqual(400)
      expect((await open(unknown, 'events')).status).toBeLessThan(500)
    }
    expect((await fetch(url, { method: 'POST' })).status).toBe(405)
  })
})

describe('GET /jobs/{id}/logs', () => {
  it('default: passes the live log on as it comes, with the secret of the engines', async () => {
    const { jobId } = await claimedJob()
    let seen: IncomingMessage | undefined
    let finish: () => void = () => undefined
    answerLog = (request, response) => {
      seen = request
      response.writeHead(200, { 'Content-Type': 'text/html', 'Set-Cookie': 'a=b' })
      response.write('first line\n')
      finish = () => response.end('last line\n')
    }
    const response = await open(jobId, 'logs')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(response.headers.has('set-cookie')).toBe(false)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('first line\n')
    finish()
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('last line\n')
    expect((await reader.read()).done).toBe(true)
    expect(seen?.url).toBe(`/jobs/${jobId}/logs`)
    expect(seen?.headers.authorization).toBe(`Bearer ${ENGINE_SECRET}`)
  })

  it('behaviour: a reader who goes away is let go of at the engine too', async () => {
    const { jobId } = await claimedJob()
    const gone = new AbortController()
    const closed = new Promise((resolve) => {
      answerLog = (_request, response) => {
        response.once('close', resolve)
        response.write('x')
      }
    })
    const response = await open(jobId, 'logs', { signal: gone.signal })
    await (response.body as ReadableStream<Uint8Array>).getReader().read()
    gone.abort()
    await closed
  })

  it('behaviour: after the end it is the stored log', async () => {
    const { jobId, epoch } = await claimedJob()
    const stored = await operator.results.put(jobId, 'logs/algorithm.log', Readable.from(['all of it\n']))
    const log = { filename: 'algorithm.log', filesize: stored.sizeBytes, url: stored.url, type: 'algorithmLog' }
    const outputs = [{ ...log, filename: 'a.csv', type: 'output', url: `filesystem:${jobId}/none` }, log]
    await operator
      .db('jobs')
      .where({ workflowid: jobId })
      .update({ outputsurl: JSON.stringify(outputs) })
    await finishJob(operator.db, { jobId, epoch, by: 'engine-1' })
    const response = await open(jobId, 'logs')
    expect([response.status, await response.text()]).toEqual([200, 'all of it\n'])
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
  })

  it('error: 404 where there is none: queued, not at the engine, of an engine without address, ended without', async () => {
    const complaint = async (jobId: string) => {
      const response = await open(jobId, 'logs')
      return [response.status, await response.json()]
    }
    const none = (jobId: string) => [404, { error: `Job ${jobId} has no live log` }]
    const silent = await claimedJob({ isReachable: false })
    expect(await complaint(silent.jobId)).toEqual(none(silent.jobId))
    const { jobId, epoch } = await claimedJob()
    answerLog = (_request, response) => void response.writeHead(404).end('not here')
    expect(await complaint(jobId)).toEqual(none(jobId))
    await finishJob(operator.db, { jobId, epoch, by: 'engine-1' })
    expect(await complaint(jobId)).toEqual([404, { error: `Job ${jobId} has no stored log` }])
    const queued = await start(operator)
    expect(await complaint(queued)).toEqual(none(queued))
    expect((await loadJob(operator.db, queued))?.dateFinished).toBeNull()
  })

  it('error: 503 where the engine refuses us or does not answer, without a word of where it is', async () => {
    const { jobId } = await claimedJob()
    answerLog = (_request, response) => void response.writeHead(401).end(ENGINE_SECRET)
    const refused = await open(jobId, 'logs')
    expect(refused.status).toBe(503)
    expect(await refused.text()).not.toMatch(/127\.0\.0\.1|shared-with/)
    await announceEngine(operator.db, { instance: `engine-of-${jobId}`, url: 'http://127.0.0.1:1' })
    const unreachable = await open(jobId, 'logs')
    expect(unreachable.status).toBe(503)
    expect(await unreachable.text()).not.toContain('127.0.0.1')
  })

  it('error: for nobody but the owner, and only signed', async () => {
    const { jobId } = await claimedJob()
    answerLog = (_request, response) => void response.end('secret of another')
    expect((await open(jobId, 'logs', { owner: OTHER })).status).toBe(404)
    expect((await open(jobId, 'logs', { key: STRANGER_KEY })).status).toBe(401)
    expect((await fetch(`${operator.url}/api/v1/operator/jobs/${jobId}/logs`)).status).toBe(400)
  })
})
