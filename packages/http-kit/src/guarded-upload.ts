import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { pipeline, type Readable } from 'node:stream'
import { AppError } from '@c2d/runtime'
import { assertReachable, parseTarget, type Lookup } from './address-guard.ts'
import { withoutFraming } from './sent-headers.ts'
import { createGuardedAgents } from './guarded-agents.ts'
import type { AllowList } from './public-address.ts'

/** What a server said of an upload. */
export interface UploadAnswer {
  status: number
  headers: IncomingHttpHeaders
  /** The first 64 KiB of it. */
  body: Buffer
}

/** Sends bytes to an address that a user named. */
export type GuardedUpload = (
  url: string,
  init: {
    method: string
    headers: Readonly<Record<string, string>>
    body: Readable | Uint8Array | string | null
    signal?: AbortSignal | undefined
  },
) => Promise<UploadAnswer>

const MAX_ANSWER_BYTES = 64 * 1024

/**
 * The guarded client in the other direction (DESIGN §4.8): connects to no address that is not public, streams a body of
 * any size with back-pressure. It follows no redirect, since a body is sent once: that answer is the caller's to judge.
 * @param options.allowList `host` or `host:port` entries that may be reached although they are not public
 * @param options.timeoutMs how long a connection may carry nothing in either direction
 * @param options.connections how many to one host at most
 * @param options.lookup asked in place of the system's resolver
 */
export function createGuardedUpload(options: {
  allowList: AllowList
  timeoutMs: number
  connections: number
  lookup?: Lookup
}): GuardedUpload {
  const agentFor = createGuardedAgents(options)

  return async function guardedUpload(url, { method, headers, body, signal }) {
    const target = parseTarget(url)
    const agent = agentFor(target.protocol, assertReachable(target, options.allowList))
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest
    const sent = { ...withoutFraming(headers), ...lengthOf(headers) }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = send(target, { method, headers: sent, agent, ...(signal ? { signal } : {}) })
      let isAnswered = false
      request.setTimeout(options.timeoutMs, () => request.destroy(new Error('nothing moved for too long')))
      request.once('response', (response) => {
        isAnswered = true
        resolve(response)
      })
      request.on('error', (cause) => {
        // The cause may name the host: it is kept for the log, never for the caller.
        reject(cause instanceof AppError ? cause : unavailable(cause))
      })
      if (body === null || typeof body === 'string' || body instanceof Uint8Array) request.end(body ?? undefined)
      else {
        pipeline(body, request, (error) => {
          // An answer before the body's end is an answer: usually a refusal.
          if (error && !isAnswered) request.destroy(error)
        })
      }
    })
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: await readStart(answer) }
  }
}

/** How long the body is, where the sender says so; what a user says must not get here. */
function lengthOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  const said = Object.entries(headers).findLast(([name]) => name.toLowerCase() === 'content-length')
  return said ? { 'Content-Length': said[1] } : {}
}

async function readStart(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= MAX_ANSWER_BYTES) break // leaving the loop destroys the rest
    }
  } catch (cause) {
    throw unavailable(cause)
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES)
}

function unavailable(cause: unknown): AppError {
  return new AppError('UpstreamUnavailable', { detail: 'The storage does not answer.', cause })
}
