import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import {
  createGuardedFetch,
  createGuardedRequest,
  type AllowList,
  type GuardedAnswer,
  type GuardedRequest,
  type Lookup,
} from '@c2d/http-kit'
import type { SourceFetch } from '@c2d/storage'

const DECODERS: Record<string, () => NodeJS.ReadWriteStream & Readable> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

/**
 * The guarded client for addresses that users name (DESIGN §4.8), whichever way it goes.
 * @param options.timeoutMs how long an origin may take to answer, and then say nothing while somebody waits for it
 */
export function openOriginFetch(options: { allowList: AllowList; timeoutMs: number; lookup?: Lookup }): SourceFetch {
  const request = createGuardedRequest({ ...options, connections: Infinity })
  return createOriginFetch(options, { request, fetch: createGuardedFetch(options) })
}

/**
 * The guarded client for origins of files: what is only read goes as plain streams of node, which hold a fraction of
 * what web streams hold and pass on several times as much; the rest goes by `fetch`.
 */
function createOriginFetch(
  options: { timeoutMs: number },
  deps: { request: GuardedRequest; fetch: SourceFetch },
): SourceFetch {
  return async function originFetch(url, init = {}) {
    if ((init.method ?? 'GET') !== 'GET' || init.body !== undefined) return deps.fetch(url, init)
    const { headers = {}, signal = new AbortController().signal } = init
    const answer = await ask(url, { headers, signal })
    watchPace(answer.body, options.timeoutMs)
    return {
      status: answer.status,
      headers: { get: (name) => textOf(answer.headers, name) },
      body: decoded(answer),
    }
  }

  async function ask(url: string, init: Parameters<GuardedRequest>[1]): Promise<GuardedAnswer> {
    try {
      return await deps.request(url, init)
    } catch (thrown) {
      // The origin closed a connection that was kept just as we took it: nothing was answered, so asking again is safe.
      if (codeOf(thrown) === 'ECONNRESET' && !init.signal.aborted) return deps.request(url, init)
      throw thrown
    }
  }
}

/** Ends an answer whose origin falls silent; a reader that is slow is no silence. */
function watchPace(body: IncomingMessage, timeoutMs: number): void {
  const { socket } = body
  const onTimeout = (): void => {
    if (body.readableLength === 0) body.destroy(new Error(`nothing came for ${timeoutMs} ms`))
  }
  socket.setTimeout(timeoutMs).on('timeout', onTimeout)
  body.once('close', () => socket.setTimeout(0).off('timeout', onTimeout))
}

/** As `fetch` gives it: whoever reads knows nothing of how it came. */
function decoded({ headers, body }: GuardedAnswer): Readable {
  const decode = DECODERS[headers['content-encoding']?.trim().toLowerCase() ?? '']
  if (!decode) return body
  const decoder = decode()
  pipeline(body, decoder, () => undefined) // whoever reads the decoder hears what happened
  return decoder
}

function textOf(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name.toLowerCase()]
  return Array.isArray(value) ? value.join(', ') : (value ?? null)
}

function codeOf(thrown: unknown): unknown {
  const cause: unknown = thrown instanceof Error ? thrown.cause : undefined
  return typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'code') : undefined
}
