import { randomUUID } from 'node:crypto'
import { request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'

/** A node that takes and says nothing for so long is given up. */
const IDLE_MS = 300_000

const addedSchema = z.object({ Hash: z.string().regex(/^[A-Za-z0-9]{46,128}$/) })

/** The RPC of a node; a path of its own stands for `/api/v0`. */
export interface NodeApi {
  url: string
  headers: Record<string, string>
}

/**
 * Adds one object to a node, unpinned. Not by the client library: it sends by `fetch`, which in Node 20 holds all of a
 * streamed body in memory, and it ends a body that broke as if it were whole.
 * @param content as long as it lasts; when it fails, the node is left with an incomplete request and adds nothing
 * @returns the CID, version 1
 * @throws what the content failed with, or an Error with the node's words
 */
export async function addToIpfs(api: NodeApi, content: AsyncIterable<Buffer>): Promise<string> {
  const boundary = `c2d-${randomUUID()}`
  const request = ask(
    { ...api, headers: { ...api.headers, 'content-type': `multipart/form-data; boundary=${boundary}` } },
    'add',
    { 'cid-version': '1', 'raw-leaves': 'true', pin: 'false', progress: 'false' },
  )
  const answering = answerOf(request)
  answering.catch(() => undefined) // met below, unless the content breaks first
  try {
    await pipeline(wrap(content, boundary), request)
  } catch (thrown) {
    request.destroy()
    // A node that refuses need not wait for the end of what it refuses: its words say more than a broken pipe.
    if (isOfConnection(thrown)) await answering
    throw thrown
  }
  const last = (await answering).trim().split('\n').at(-1) ?? ''
  return addedSchema.parse(JSON.parse(last)).Hash
}

/**
 * Pins an object and all that hangs on it. Past the client library too: a step that stores needs nothing else of it, and
 * it takes as much memory as four parts of an upload.
 * @throws Error with the node's words
 */
export async function pinOnIpfs(api: NodeApi, cid: string, name: string): Promise<void> {
  const request = ask(api, 'pin/add', { arg: cid, name })
  request.end()
  await answerOf(request)
}

function ask(api: NodeApi, method: string, parameters: Record<string, string>): ClientRequest {
  const url = new URL(api.url)
  url.pathname = `${url.pathname === '/' ? '/api/v0' : url.pathname.replace(/\/$/, '')}/${method}`
  url.search = new URLSearchParams(parameters).toString()
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method: 'POST',
    headers: api.headers,
    timeout: IDLE_MS,
  })
  request.once('timeout', () => request.destroy(new Error('the node is silent')))
  return request
}

function answerOf(request: ClientRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    request.once('response', (answer) => void readAnswer(answer).then(resolve, reject))
    request.once('error', reject)
  })
}

async function* wrap(content: AsyncIterable<Buffer>, boundary: string): AsyncGenerator<Buffer> {
  const type = 'Content-Type: application/octet-stream'
  yield Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="object"\r\n${type}\r\n\r\n`,
  )
  yield* content
  yield Buffer.from(`\r\n--${boundary}--\r\n`)
}

async function readAnswer(answer: IncomingMessage): Promise<string> {
  const said = await text(answer)
  const streamError = answer.trailers['x-stream-error'] // the node failed after it had begun to answer
  if (answer.statusCode !== 200 || streamError !== undefined) {
    throw new Error(`the node refused: ${streamError ?? `HTTP ${answer.statusCode} ${said.slice(0, 200)}`}`)
  }
  return said
}

function isOfConnection(thrown: unknown): boolean {
  return ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes((thrown as NodeJS.ErrnoException).code ?? '')
}
