import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import { AppError } from '@c2d/runtime'
import { Agent, fetch, type RequestInit, type Response } from 'undici'
import { isAllowed, isPublicAddress, type AllowList } from './public-address.ts'

/** `fetch` for addresses that a user can influence. */
export type GuardedFetch = (url: string, init?: GuardedInit) => Promise<Response>

export interface GuardedInit {
  method?: string
  headers?: Record<string, string>
  body?: string
  signal?: AbortSignal
}

/** Finds every address of a name; the shape of `dns.lookup` with `all`. */
export type Lookup = (
  host: string,
  options: { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

const MAX_REDIRECTS = 5

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
  const lookup = options.lookup ?? dnsLookup
  const agents = new Map<boolean, Agent>()
  const agentFor = (allowed: boolean): Agent => {
    const known = agents.get(allowed)
    if (known) return known
    const agent = new Agent({
      connect: { timeout: options.timeoutMs, lookup: guardedLookup(lookup, allowed) },
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
    })
    agents.set(allowed, agent)
    return agent
  }

  return async function guardedFetch(url, init = {}) {
    let target = parseTarget(url)
    let request: RequestInit = { ...init, redirect: 'manual' }
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80)
      const allowed = isAllowed(options.allowList, target.hostname, port)
      const literal = target.hostname.replace(/^\[|\]$/g, '')
      if (!allowed && isIP(literal) && !isPublicAddress(literal)) throw refused()
      const response = await send(target, request, agentFor(allowed))
      const location = response.headers.get('location')
      if (response.status < 300 || response.status > 399 || !location) return response
      await response.body?.cancel()
      const next = parseTarget(new URL(location, target).href)
      if (next.origin !== target.origin) request = withoutCredentials(request)
      if (response.status === 303) request = { ...request, method: 'GET', body: null }
      target = next
    }
    throw new AppError('FilesUnavailable', { detail: `The address redirects more than ${MAX_REDIRECTS} times.` })
  }
}

async function send(target: URL, request: RequestInit, dispatcher: Agent): Promise<Response> {
  try {
    return await fetch(target, { ...request, dispatcher })
  } catch (cause) {
    if (cause instanceof Error && cause.cause instanceof AppError) throw cause.cause
    // The cause may name host and path of a hidden origin: it is kept for the log, never for the caller.
    throw new AppError('FilesUnavailable', { detail: 'The address does not answer.', cause })
  }
}

function parseTarget(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new AppError('FilesUnavailable', { detail: 'Only http and https addresses are fetched.' })
  }
  return url
}

function withoutCredentials(request: RequestInit): RequestInit {
  return { ...request, headers: {} }
}

function refused(): AppError {
  return new AppError('FilesUnavailable', { detail: 'The address is not a public one.' })
}

type LookupDone = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

function guardedLookup(lookup: Lookup, allowed: boolean) {
  return (host: string, options: object, done: LookupDone): void => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) {
        done(error, [])
        return
      }
      // One bad address refuses the name: picking the good one would let the next answer bring the bad one.
      if (!allowed && !addresses.every((entry) => isPublicAddress(entry.address))) {
        done(refused(), [])
        return
      }
      const first = addresses[0]
      if ('all' in options && options.all) done(null, addresses)
      else if (first) done(null, first.address, first.family)
      else done(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), [])
    })
  }
}
