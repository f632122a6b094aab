import { DOWNLOAD_TOKEN_HEADER } from '@c2d/contracts'
import { limitRequests } from '@c2d/http-kit'
import type { NextFunction, Request, RequestHandler, Response } from 'express'

const WINDOW_MS = 60_000
/** A configure step fetches thousands of files in a minute; what it brings is checked before it gets any. */
const SHARE_OF_JOBS = 100

/**
 * Middleware that limits what one client address may ask in a minute. Downloads for jobs have a larger share of their
 * own, so that staging never waits for consumers who come from the same address, nor they for staging.
 * @param options.perMinute 0 sets no limit
 */
export function limitAddresses({ perMinute }: { perMinute: number }): RequestHandler {
  if (perMinute === 0) {
    return (_request, _response, next) => {
      next()
    }
  }
  const everybody = limitRequests({ windowMs: WINDOW_MS, limit: perMinute })
  const jobs = limitRequests({ windowMs: WINDOW_MS, limit: perMinute * SHARE_OF_JOBS })
  return (request: Request, response: Response, next: NextFunction) => {
    const isForJob = request.get(DOWNLOAD_TOKEN_HEADER) !== undefined
    void (isForJob ? jobs : everybody)(request, response, next)
  }
}
