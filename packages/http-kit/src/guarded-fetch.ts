import { AppError } from '@c2d/runtime'
import { Agent, fetch, type Response } from 'undici'
import {
  assertReachable,
  guardedLookup,
  MAX_REDIRECTS,
  parseRedirect,
  parseTarget,
  type Lookup,
} from './address-guard.ts'
import { impersonal, withoutContent, withoutFraming } from './sent-headers.ts'
import type { AllowList } from './public-address.ts'

/** `fetch` for addresses that a user can influence. */
export type GuardedFetch = (url: string, init?: GuardedInit) => Promise<Response>

export interface GuardedInit {
  method?: string
  headers?: Record<string, string>
  body?: string
  signal?: AbortSignal
}

/**
 * The one client for outbound fetches that a user can influence (DESIGN §4.8). It resolves the name, connects to the
 * very address it resolved (so a second answer of the resolver cannot differ), refuses addresses that are not public,
 * and checks every redirect again.
 * @param options.allowList `host` or `host:port` entries that may be reached although they are not public
 * @param options.timeoutMs how long connecting, the headers, and each pause within the body may take
 * @param options.lookup asked in place of the system's resolver
 */
export function createGuardedFetch(options: {
  allowList: AllowList
  timeoutMs: number
  lookup?: Lookup
}): GuardedFetch {
  const agents = new Map<boolean, Agent>()
  const agentFor = (allowed: boolean): Agent => {
    const known = agents.get(allowed)
    if (known) return known
    const agent = new Agent({
      connect: { timeout: options.timeoutMs, lookup: guardedLookup(options.lookup, allowed) },
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
    })
    agents.set(allowed, agent)
    return agent
  }

  return async function guardedFetch(url, init = {}) {
    let target = parseTarget(url)
    let request: GuardedInit = { ...init, headers: withoutFraming(init.headers ?? {}) }
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const allowed = assertReachable(target, options.allowList)
      const response = await send(target, request, agentFor(allowed))
      const location = response.headers.get('location')
      if (response.status < 300 || response.status > 399 || !location) return response
      await response.body?.cancel()
      const next = parseRedirect(location, target)
      if (next.origin !== target.origin) request = { ...request, headers: impersonal(request.headers ?? {}) }
      request = followed(request, response.status)
      target = next
    }
    throw new AppError('FilesUnavailable', { detail: `The address redirects more than ${MAX_REDIRECTS} times.` })
  }
}

async function send(target: URL, request: GuardedInit, dispatcher: Agent): Promise<Response> {
  try {
    return await fetch(target, { ...request, redirect: 'manual', dispatcher })
  } catch (cause) {
    if (cause instanceof Error && cause.cause instanceof AppError) throw cause.cause
    // The cause may name host and path of a hidden origin: it is kept for the log, never for the caller.
    throw new AppError('FilesUnavailable', { detail: 'The address does not answer.', cause })
  }
}

/** What is asked after a redirect: "see other", and what clients have always made of 301 and 302 after a POST, is a GET. */
function followed(request: GuardedInit, status: number): GuardedInit {
  const method = request.method?.toUpperCase() ?? 'GET'
  const isSeeOther = (status === 303 && method !== 'HEAD') || (status < 303 && method === 'POST')
  if (!isSeeOther || method === 'GET') return request
  const { body: _body, headers, ...rest } = request
  return { ...rest, method: 'GET', headers: withoutContent(headers ?? {}) }
}
