import type { IncomingHttpHeaders } from 'node:http'
import type { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pour } from '@c2d/storage'
import type { Request, Response } from 'express'

/** Headers of a result that mean something to whoever asked; nothing else of an upstream answer is passed on. */
const RESULT_HEADERS = [
  'content-type',
  'content-length',
  'content-range',
  'cache-control',
  'content-disposition',
  'accept-ranges',
  'etag',
  'last-modified',
  'x-accel-buffering',
] as const

/** What a caller may say about which part of a result it wants, and under which condition (RFC 9110 §13, §14). */
const TRANSFER_HEADERS = ['Range', 'If-Range', 'If-None-Match'] as const

const EXPOSED = 'Content-Disposition, Content-Length, Content-Range, Accept-Ranges, ETag'

/** The headers of a request that whoever has the result must see. */
export function transferHeaders(request: Request): Record<string, string> {
  return Object.fromEntries(
    TRANSFER_HEADERS.flatMap((name) => {
      const value = request.get(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/**
 * Streams an upstream answer to the caller, with back-pressure; when the caller leaves, the upstream is let go too.
 * @param open asks the upstream; its signal aborts when the caller is gone
 */
export async function streamResult(
  response: Response,
  open: (signal: AbortSignal) => Promise<{ status: number; headers: IncomingHttpHeaders; body: Readable }>,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const upstream = await open(gone.signal)
  response.status(upstream.status)
  for (const name of RESULT_HEADERS) {
    const value = upstream.headers[name]
    if (value !== undefined) response.setHeader(name, value)
  }
  response.setHeader('Access-Control-Expose-Headers', EXPOSED)
  response.setHeader('X-Content-Type-Options', 'nosniff')
  // The algorithm chose these bytes: opened as a page of ours they may do nothing.
  response.setHeader('Content-Security-Policy', 'sandbox')
  // What has no length may say nothing for long: its reader must know that it has begun.
  if (upstream.headers['content-length'] === undefined) response.flushHeaders()
  await pipeBody(upstream.body, response)
}

/**
 * Pipes to the end; a caller that left early is no error of ours.
 * @param through what everything passes on its way, if anything
 */
export async function pipeBody(body: Readable, response: Response, through?: Transform): Promise<void> {
  try {
    await (through ? pipeline(body, through, response) : pour(body, response))
  } catch (thrown) {
    if (!response.destroyed && !response.headersSent) throw thrown
    response.destroy() // cut, so that half a file does not look whole
  }
}
