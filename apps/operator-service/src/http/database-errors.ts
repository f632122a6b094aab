import { isDatabaseUnavailable } from '@c2d/postgres'
import { AppError } from '@c2d/runtime'
import type { ErrorRequestHandler } from 'express'

/**
 * Says of a database that is away or full that it is, instead of "something went wrong": 503 is what clients repeat a
 * request for (operator-service-api §14, §15 S-09).
 */
export const translateDatabaseErrors: ErrorRequestHandler = (thrown: unknown, _request, _response, next) => {
  next(
    isDatabaseUnavailable(thrown)
      ? new AppError('UpstreamUnavailable', { detail: 'The database does not answer: try again later.', cause: thrown })
      : thrown,
  )
}
