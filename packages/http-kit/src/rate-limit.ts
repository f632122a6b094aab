import { AppError } from '@c2d/runtime'
import type { Request, RequestHandler } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'

export interface RateLimit {
  /** Length of a window, in milliseconds. */
  windowMs: number
  /** Requests that one key may make within a window. */
  limit: number
  /**
   * Whose request it is; undefined means the client address. What a caller merely claims to be is no good key: it
   * lets anybody spend somebody else's share, or take a new one with every request.
   */
  keyOf?: (request: Request) => string | undefined
}

/**
 * Middleware that refuses requests beyond a rate with AppError TooManyRequests (429), and says in `Retry-After` how
 * many seconds to wait and in `RateLimit` how much is left. Counts are kept in this process only.
 *
 * The client address is that of the connection, or the one a proxy forwards where `createHttpApp` was told how many
 * proxies to trust. An IPv6 client is its /56 network: a household has more addresses than we have memory.
 */
export function limitRequests(options: RateLimit): RequestHandler {
  return rateLimit({
    windowMs: options.windowMs,
    limit: options.limit,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    // Its own checks write to the console about headers that anybody may send.
    validate: false,
    keyGenerator: (request) => {
      const key = options.keyOf?.(request)
      return key === undefined ? `address ${clientAddressOf(request)}` : `key ${key}`
    },
    handler: (_request, response, next) => {
      const seconds = String(response.getHeader('Retry-After') ?? Math.ceil(options.windowMs / 1000))
      const detail = `Too many requests: try again in ${seconds} s.`
      next(new AppError('TooManyRequests', { detail }))
    },
  })
}

/** Whom a request is counted to where nobody has proven to be anybody: its address, or an IPv6 client's /56 network. */
export function clientAddressOf(request: Request): string {
  return ipKeyGenerator(request.ip ?? '')
}
