import { ERROR_CODES } from '@c2d/contracts'
import { AppError, toError, type Logger } from '@c2d/runtime'
import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express'

/** Which ancestor's error bodies a service answers with. */
export type Surface = 'provider' | 'operator'

/**
 * The last middleware: turns whatever was thrown into the ancestor's exact body, or into RFC 9457 when the caller's
 * `Accept` asks for it. Only errors of our own making are shown; anything else is logged and answered in general words.
 *
 * provider (provider-http-api §1.3): E1 for field validation, E2 `{"error"}` for refusals, E3 `{"context","error"}` else.
 * operator (operator-service-api §1): always `{"error"}`.
 */
export function renderErrors(surface: Surface, deps: { log: Logger }): ErrorRequestHandler {
  return (thrown: unknown, request: Request, response: Response, next: NextFunction) => {
    const error = toAppError(thrown)
    if (error.status >= 500) {
      deps.log.error({ err: error.cause ?? error, path: request.path }, 'request failed')
    }
    if (response.headersSent) {
      next(error) // express cuts the connection: a half-sent file must not look whole
      return
    }
    if (request.accepts(['json', 'application/problem+json']) === 'application/problem+json') {
      response
        .status(error.status)
        .type('application/problem+json')
        .send(JSON.stringify(problemBody(error, request)))
      return
    }
    response.status(error.status).json(legacyBody(surface, error))
  }
}

/** Answers whatever no route matched, in the words of the reference's router. */
export function notFound(): never {
  throw new AppError('NotFound', {
    detail:
      '404 Not Found: The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.',
  })
}

function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const error = toError(thrown)
  const type = (error as { type?: unknown }).type
  if (type === 'entity.too.large') {
    return new AppError('TooLarge', { detail: 'The request body is larger than this service accepts.', cause: error })
  }
  // Whatever else the body's reader says is the caller's doing: a charset or an encoding nobody knows, a broken upload.
  const { status, expose } = error as { status?: unknown; expose?: unknown }
  if (expose === true && typeof status === 'number' && status < 500) {
    return new AppError('InvalidRequest', { detail: 'The request body cannot be read.', cause: error })
  }
  return new AppError('Internal', { cause: error })
}

function legacyBody(surface: Surface, error: AppError): object {
  const text = error.legacy ?? error.detail
  if (surface === 'provider') {
    if (error.fields) return { errors: error.fields, message: 'Validation error', success: false }
    if (error.code === 'NotFound' || error.status >= 500) return { context: null, error: text }
  }
  return { error: text }
}

function problemBody(error: AppError, request: Request): object {
  return {
    type: 'about:blank',
    title: ERROR_CODES[error.code].title,
    status: error.status,
    detail: error.detail,
    instance: request.path,
    code: error.code,
    error: error.legacy ?? error.detail,
    ...(error.fields ? { fields: error.fields } : {}),
  }
}
