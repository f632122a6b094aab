import { DOWNLOAD_TOKEN_HEADER, parseDownloadToken, PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { clientAddressOf, limitRequests } from '@c2d/http-kit'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { createActLimit } from '../domain/sharing/act-limit.ts'

const WINDOW_MS = 60_000
/** A configure step fetches thousands of files in a minute. */
const SHARE_OF_JOBS = 100
/** What a configure step asks for. */
const JOB_PATHS: readonly string[] = [PROVIDER_ENDPOINTS.download[1], PROVIDER_ENDPOINTS.fileinfo[1]]

/**
 * Middleware that limits what one client address may ask in a minute. Downloads for jobs have a larger share of their
 * own, so that staging never waits for consumers who come from the same address, nor they for staging. Anybody can send
 * what looks like a job's token: of requests with one that are refused, an address has no more than of any others.
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
  const refusals = createActLimit({ perMinute })
  return (request: Request, response: Response, next: NextFunction) => {
    if (!isForJob(request)) {
      void everybody(request, response, next)
      return
    }
    const address = clientAddressOf(request)
    refusals.assertRoom(address)
    response.once('finish', () => {
      if (response.statusCode >= 400) refusals.count(address)
    })
    void jobs(request, response, next)
  }
}

function isForJob(request: Request): boolean {
  const token = request.get(DOWNLOAD_TOKEN_HEADER)
  return token !== undefined && JOB_PATHS.includes(request.path) && parseDownloadToken(token) !== null
}
