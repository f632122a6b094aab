import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { AppError } from '@c2d/runtime'

/** An answer whose body is still to be read. */
export interface UpstreamResponse {
  status: number
  headers: IncomingHttpHeaders
  body: IncomingMessage
}

interface UpstreamRequest {
  method: string
  headers?: Record<string, string>
  body?: string
  /** How long the peer may say nothing while we are listening. */
  timeoutMs: number
  /** Once it answered, it may be silent for as long as it likes; the connection is nobody else's. */
  isLive?: boolean
  /** Its answer lasts as long as somebody's line needs for it: it takes no connection from those that are soon over. */
  isTransfer?: boolean
  signal?: AbortSignal | undefined
}

const openAgents = (maxSockets: number) => ({
  http: new HttpAgent({ keepAlive: true, maxSockets }),
  https: new HttpsAgent({ keepAlive: true, maxSockets }),
})
const agents = { questions: openAgents(256), transfers: openAgents(Infinity) }

/**
 * Asks a peer that the operator configured (never an address a user can influence: those go through the guarded client).
 * Plain node streams, because results pass through here at the line's rate.
 * @throws AppError `UpstreamUnavailable` when it does not answer
 */
export async function requestUpstream(url: URL, options: UpstreamRequest): Promise<UpstreamResponse> {
  try {
    return await attempt(url, options)
  } catch (thrown) {
    // The peer closed a kept-alive connection just as we took it: nothing was processed, so asking again is safe.
    if (thrown instanceof StaleConnection) return attempt(url, options)
    throw thrown
  }
}

class StaleConnection extends AppError {}

function attempt(url: URL, options: UpstreamRequest): Promise<UpstreamResponse> {
  return new Promise((resolve, reject) => {
    const pool = options.isTransfer ? agents.transfers : agents.questions
    const [send, pooled] = url.protocol === 'https:' ? [httpsRequest, pool.https] : [httpRequest, pool.http]
    const agent = options.isLive ? false : pooled // or those who follow jobs would leave no connection for others
    const headers = {
      ...options.headers,
      ...(options.body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(options.body)) }),
    }
    const request = send(url, {
      method: options.method,
      headers,
      agent,
      ...(options.signal ? { signal: options.signal } : {}),
    })
    let answer: IncomingMessage | undefined
    request.setTimeout(options.timeoutMs, () => {
      // Bytes that nobody took yet: the reader is slow, not the peer.
      if (answer && answer.readableLength > 0) return
      request.destroy(new Error(`no answer in ${options.timeoutMs} ms`))
    })
    request.on('error', (cause: NodeJS.ErrnoException) => {
      const Kind = request.reusedSocket && cause.code === 'ECONNRESET' ? StaleConnection : AppError
      reject(new Kind('UpstreamUnavailable', { cause }))
    })
    request.on('response', (body) => {
      answer = body
      if (options.isLive) request.setTimeout(0)
      resolve({ status: body.statusCode ?? 0, headers: body.headers, body })
    })
    request.end(options.body)
  })
}

/**
 * Reads a whole body as text.
 * @throws AppError `UpstreamUnavailable` when it breaks off or is larger than the limit
 */
export async function readText(response: UpstreamResponse, limitBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > limitBytes) throw new Error(`the answer is larger than ${limitBytes} bytes`)
      chunks.push(chunk)
    }
  } catch (cause) {
    response.body.destroy()
    throw new AppError('UpstreamUnavailable', { cause })
  }
  return Buffer.concat(chunks).toString('utf8')
}
