import { AppError } from '@c2d/runtime'
import type { NextFunction, Request, Response } from 'express'
import { isSafeNumber, parse } from 'lossless-json'

const MAX_DEPTH = 64

/**
 * Parses a JSON text; integers beyond double precision stay literal text, because real clients sign 19-digit
 * nonces that they send as JSON numbers (provider-http-api §2.2).
 * @param options.maxDepth how many arrays and objects may stand within each other; default 64
 * @throws SyntaxError when the text is not JSON
 * @throws AppError InvalidRequest when it is nested deeper: what reads it recurses, and a few bytes a level would
 *   exhaust the stack
 */
export function parseJsonLosslessly(text: string, options: { maxDepth?: number } = {}): unknown {
  const { maxDepth = MAX_DEPTH } = options
  if (isNestedDeeper(text, maxDepth)) {
    throw new AppError('InvalidRequest', { detail: `The JSON is nested deeper than ${maxDepth} levels.` })
  }
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
  } catch (error) {
    const refused = new AppError('InvalidRequest', { detail: 'The request body is not valid JSON.' })
    next(error instanceof AppError ? error : refused)
  }
}

/** Counts brackets outside of texts; what is no JSON may be counted wrong, and is refused by the parser. */
function isNestedDeeper(text: string, maxDepth: number): boolean {
  let depth = 0
  let inText = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (inText) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) inText = false
    } else if (code === QUOTE) inText = true
    else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      if (++depth > maxDepth) return true
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) depth--
  }
  return false
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d]

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
