import {
  request as httpRequest,
  type Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import { AppError } from '@c2d/runtime'
import { assertReachable, MAX_REDIRECTS, parseRedirect, parseTarget, type Lookup } from './address-guard.ts'
import { impersonal, withoutFraming } from './sent-headers.ts'
import { createGuardedAgents } from './guarded-agents.ts'
import type { AllowList } from './public-address.ts'

/** What an origin answered: the head, and the body as it comes off the wire, with back-pressure. */
export interface GuardedAnswer {
  status: number
  headers: IncomingHttpHeaders
  /** Must be read to its end or destroyed. A connection that breaks before the promised end is an error. */
  body: IncomingMessage
}

/** A plain GET for addresses that a user can influence. */
export type GuardedRequest = (
  url: string,
  init: { headers: Readonly<Record<string, string>>; signal: AbortSignal },
) => Promise<GuardedAnswer>

/**
 * The guarded client for bodies of any size (DESIGN §4.8): the rules of `createGuardedFetch`, without the cost of web
 * streams. Nothing is decoded. Connections are kept for the next request to the same host.
 * @param options.allowList `host` or `host:port` entries that may be reached although they are not public
 * @param options.timeoutMs how long connecting and waiting for the head may take, each redirect anew; the body's pace
 *   is the reader's to watch
 * @param options.connections how many to one host at most
 * @param options.maxRedirects how many are followed; 5 unless said
 * @param options.lookup asked in place of the system's resolver
 */
export function createGuardedRequest(options: {
  allowList: AllowList
  timeoutMs: number
  connections: number
  maxRedirects?: number
  lookup?: Lookup
}): GuardedRequest {
  const { maxRedirects = MAX_REDIRECTS } = options
  const agentFor = createGuardedAgents({ ...options, scheduling: 'lifo' })

  return async function guardedRequest(url, { headers, signal }) {
    let target = parseTarget(url)
    let sent = withoutFraming(headers)
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const allowed = assertReachable(target, options.allowList)
      const agent = agentFor(target.protocol, allowed)
      const body = await ask(target, { headers: sent, agent, signal, timeoutMs: options.timeoutMs })
      const status = body.statusCode ?? 0
      const { location } = body.headers
      if (status < 300 || status > 399 || location === undefined) return { status, headers: body.headers, body }
      body.destroy()
      const next = parseRedirect(location, target)
      if (next.origin !== target.origin) sent = impersonal(sent)
      target = next
    }
    throw unavailable(`The address redirects more than ${maxRedirects} times.`)
  }
}

interface Ask {
  headers: Readonly<Record<string, string>>
  agent: HttpAgent
  signal: AbortSignal
  timeoutMs: number
}

function ask(target: URL, { headers, agent, signal, timeoutMs }: Ask): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest
    const request = send(target, { headers, agent, signal })
    const timer = setTimeout(() => request.destroy(new Error('no answer in time')), timeoutMs)
    request.once('response', (response) => {
      clearTimeout(timer)
      resolve(response)
    })
    request.once('error', (cause) => {
      clearTimeout(timer)
      // The cause may name host and path of a hidden origin: it is kept for the log, never for the caller.
      reject(cause instanceof AppError ? cause : unavailable('The address does not answer.', cause))
    })
    request.once('close', () => clearTimeout(timer))
    request.end()
  })
}

function unavailable(detail: string, cause?: unknown): AppError {
  return new AppError('FilesUnavailable', { detail, cause })
}
