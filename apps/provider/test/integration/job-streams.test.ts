import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { recoverSigner, signMessage } from '@c2d/chain'
import { DEV_ACCOUNTS } from '@c2d/dev-servers'
import { createOperatorService } from '../../src/clients/operator-service.ts'
import { nextNonce, query, type Answer } from './support/api.ts'
import type { ChainActor } from './support/chain-actor.ts'
import { buildJob, startFakeOperator, type FakeOperator } from './support/fake-operator.ts'
import { PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

const EVENTS = '/api/services/compute/events'
const LOGS = '/api/services/compute/logs'
const JOB_ID = '0123456789abcdef0123456789abcdef'
const EVENT = 'id: 7\ndata: {"what":"claimed"}\n\n'

describe('following a job', () => {
  let stack: Stack
  let operator: FakeOperator
  let streams: ServerResponse[]

  beforeAll(async () => {
    operator = await startFakeOperator([])
    const options = { url: operator.url, universalKey: PROVIDER_KEY, timeoutMs: 2_000 }
    stack = await startStack({ maxStreams: 22 }, { operator: createOperatorService(options) })
  })
  afterAll(async () => {
    await stack.close()
    await operator.close()
  })
  beforeEach(() => {
    operator.seen.length = 0
    operator.jobs = [buildJob({ owner: stack.consumer.address })]
    streams = []
    operator.follow = (_request, response) => {
      response.writeHead(200, {
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-cache, no-transform',
        'X-Accel-Buffering': 'no',
        'X-Internal': 'not for callers',
      })
      response.write(EVENT)
      streams.push(response)
    }
  })
  afterEach(() => streams.forEach((stream) => stream.destroy()))

  function form(by: ChainActor = stack.consumer, changes: Record<string, string> = {}): Record<string, string> {
    const nonce = nextNonce()
    const consumerAddress = changes['consumerAddress'] ?? stack.consumer.address
    const signature = signMessage(consumerAddress + JOB_ID + nonce, by.key)
    return { consumerAddress, jobId: JOB_ID, nonce, signature, ...changes }
  }

  /** Opens a stream and waits for its first bytes. */
  async function open(path = EVENTS, headers: Record<string, string> = {}, by: ChainActor = stack.consumer) {
    const leaving = new AbortController()
    const url = `${stack.url}${path}?${new URLSearchParams(form(by, { consumerAddress: by.address })).toString()}`
    const response = await fetch(url, { headers, signal: leaving.signal })
    const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader()
    const read = async (): Promise<string> => Buffer.from((await reader.read()).value ?? []).toString()
    return { response, read, first: await read(), leave: () => leaving.abort() }
  }

  const until = async (happened: () => boolean): Promise<void> => {
    while (!happened()) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  it('passes on every event as it comes, however long it takes', async () => {
    const { response, read, first, leave } = await open()
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    expect(response.headers.get('x-internal')).toBeNull()
    expect(first).toBe(EVENT)
    await new Promise((resolve) => setTimeout(resolve, 900)) // three times the limit of an ordinary answer
    streams[0]?.end('event: end\ndata: {}\n\n')
    expect(await read()).toBe('event: end\ndata: {}\n\n')
    leave()
  })

  it('behaviour: until when a job is followed is for who follows it to say', async () => {
    const answer = await fetch(
      `${stack.url}${EVENTS}?${new URLSearchParams(form(stack.consumer, { until: 'settled' })).toString()}`,
    )
    expect(operator.seen[0]?.query.get('until')).toBe('settled')
    await answer.body?.cancel()
    const { leave } = await open()
    expect(operator.seen[1]?.query.get('until')).toBeNull()
    leave()
  })

  it('behaviour: asks the operator in the provider’s name, for this job and from the last event on', async () => {
    const { leave } = await open(EVENTS, { 'Last-Event-ID': '6' })
    const [asked] = operator.seen
    expect(asked?.path).toBe(`/api/v1/operator/jobs/${JOB_ID}/events`)
    expect(asked?.headers['last-event-id']).toBe('6')
    const message = stack.consumer.address + JOB_ID + String(asked?.query.get('nonce'))
    expect(asked?.query.get('owner')).toBe(stack.consumer.address)
    expect(recoverSigner(message, asked?.query.get('providerSignature') ?? '')).toBe(DEV_ACCOUNTS.provider.address)
    leave()
  })

  it('behaviour: logs are followed the same way', async () => {
    const { first, leave } = await open(LOGS)
    expect([first, operator.seen[0]?.path]).toEqual([EVENT, `/api/v1/operator/jobs/${JOB_ID}/logs`])
    leave()
  })

  it('behaviour: the head comes before the first word', async () => {
    operator.follow = (_request, response) => {
      streams.push(response)
      response.writeHead(200, { 'Content-Type': 'text/plain' }).flushHeaders()
    }
    const leaving = new AbortController()
    const url = `${stack.url}${LOGS}?${new URLSearchParams(form()).toString()}`
    const response = await fetch(url, { signal: leaving.signal })
    expect(response.headers.get('content-type')).toBe('text/plain')
    leaving.abort()
  })

  it('behaviour: who leaves lets the operator go', async () => {
    const { leave } = await open()
    leave()
    await until(() => streams[0]?.destroyed === true)
  })

  it('behaviour: what the operator refuses is passed on', async () => {
    operator.follow = (_request, response) => response.writeHead(404, { 'Content-Type': 'application/json' }).end('{}')
    const answer = await query(stack, 'GET', LOGS, form())
    expect([answer.status, answer.json]).toEqual([404, {}])
  })

  it('error: more than may be followed at once', async () => {
    const opened = await Promise.all(Array.from({ length: 20 }, () => open()))
    const refused = await query(stack, 'GET', EVENTS, form())
    expect([refused.status, refused.json]).toEqual([
      429,
      { error: 'Too many jobs are being followed: try again later.' },
    ])
    const others = await Promise.all([1, 2].map(() => open(EVENTS, {}, stack.stranger)))
    expect(
      (await query(stack, 'GET', EVENTS, form(stack.stranger, { consumerAddress: stack.stranger.address }))).status,
    ).toBe(429)
    ;[...opened, ...others].forEach(({ leave }) => leave())
    await until(() => streams.every((stream) => stream.destroyed))
    const again = await open()
    expect(again.first).toBe(EVENT)
    again.leave()
  })

  it('error: an operator that does not begin to answer', async () => {
    operator.follow = (_request, response) => streams.push(response)
    expect((await query(stack, 'GET', EVENTS, form())).status).toBe(503)
  })

  it.each<[string, () => Promise<Answer>]>([
    ['somebody else’s signature', () => query(stack, 'GET', EVENTS, form(stack.stranger))],
    ['no signature', () => query(stack, 'GET', EVENTS, form(stack.consumer, { signature: '' }))],
    ['no nonce', () => query(stack, 'GET', LOGS, form(stack.consumer, { nonce: '' }))],
    [
      'another job than the signed one',
      () => query(stack, 'GET', LOGS, form(stack.consumer, { jobId: 'ab'.repeat(16) })),
    ],
    ['a path for a job', () => query(stack, 'GET', EVENTS, form(stack.consumer, { jobId: '../../x' }))],
    ['no job', () => query(stack, 'GET', EVENTS, form(stack.consumer, { jobId: '' }))],
  ])('error: %s', async (_name, ask) => {
    expect((await ask()).status).toBe(400)
    expect(operator.seen).toEqual([])
  })

  it('error: a request that was seen before', async () => {
    const seen = form()
    operator.follow = (_request, response) => response.end()
    expect((await query(stack, 'GET', EVENTS, seen)).status).toBe(200)
    expect((await query(stack, 'GET', LOGS, seen)).status).toBe(400)
  })
})
