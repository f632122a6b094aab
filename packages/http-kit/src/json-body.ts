import { AppError } from '@c2d/runtime'
import type { NextFunction, Request, Response } from 'express'
import { isSafeNumber, parse } from 'lossless-json'

/**
 * Parses a JSON text; integers beyond double precision stay literal text, because real clients sign 19-digit
 * nonces that they send as JSON numbers (provider-http-api §2.2).
 * @throws SyntaxError when the text is not JSON
 */
export function parseJsonLosslessly(text: string): unknown {
  return parse(text, undefined, (literal) => (isSafeNumber(literal) ? Number(literal) : literal))
}

/**
 * Express middleware: turns a body that `express.text` has read into `request.body` parsed losslessly.
 * An empty body, or one of another type, becomes `undefined`.
 */
export function jsonBody(request: Request, _response: Response, next: NextFunction): void {
  const text: unknown = request.body
  if (typeof text !== 'string' || text.trim() === '' || !request.is(['json', '+json'])) {
    if (!Buffer.isBuffer(request.body)) request.body = undefined
    next()
    return
  }
  try {
    request.body = parseJsonLosslessly(text)
    next()
  } catch {
    next(new AppError('InvalidRequest', { detail: 'The request body is not valid JSON.' }))
  }
}

/**
 * The parameters of a request: the query string when it has any parameter (first value of repeated keys), else the
 * JSON body; never merged (provider-http-api §1.2, operator-service-api §1).
 * @returns an object without a prototype chain of the caller's making
 */
export function requestInput(request: Request): Record<string, unknown> {
  const query = Object.entries(request.query)
  if (query.length > 0) {
    return Object.fromEntries(query.map(([key, value]) => [key, Array.isArray(value) ? value[0] : value]))
  }
  const body: unknown = request.body
  return typeof body === 'object' && body !== null && !Array.isArray(body) && !Buffer.isBuffer(body)
    ? (body as Record<string, unknown>)
    : {}
}
