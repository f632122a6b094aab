import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Readable } from 'node:stream'
import { AppError, type Secret } from '@c2d/runtime'

/** What an engine tells about the jobs it holds. */
export interface EngineClient {
  /**
   * Opens the live log of a job's algorithm; it ends when the algorithm does.
   * @param engineUrl where the engine said it can be asked
   * @param signal ends the log early
   * @returns null where the engine has no live log of the job
   * @throws AppError `UpstreamUnavailable` when the engine does not answer, or does not know us
   */
  openLog(engineUrl: string, jobId: string, signal: AbortSignal): Promise<Readable | null>
}

/**
 * A client of the engines' own HTTP surface. Built on node's client, because a log may be silent for longer than `fetch`
 * lets a body be.
 * @param options.secret what engines know us by
 * @param options.timeoutMs how long the head of an answer may take
 */
export function createEngineClient(options: { secret: Secret; timeoutMs: number }): EngineClient {
  return {
    async openLog(engineUrl, jobId, signal) {
      const url = new URL(`${engineUrl.replace(/\/+$/, '')}/jobs/${encodeURIComponent(jobId)}/logs`)
      const answer = await ask(url, { ...options, signal })
      if (answer.statusCode === 200) return answer
      answer.resume()
      if (answer.statusCode === 404) return null
      throw new AppError('UpstreamUnavailable', {
        detail: 'The engine that holds the job does not give its log.',
        cause: new Error(`the engine answered ${answer.statusCode ?? 'nothing'}`),
      })
    },
  }
}

function ask(url: URL, options: { secret: Secret; timeoutMs: number; signal: AbortSignal }): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp
    const headers = { Authorization: `Bearer ${options.secret.reveal()}`, Accept: 'text/plain' }
    const request = send(url, { headers, signal: options.signal })
    const timeout = setTimeout(() => request.destroy(new Error('the engine does not answer')), options.timeoutMs)
    request.once('response', (response) => {
      clearTimeout(timeout)
      resolve(response)
    })
    request.once('error', (cause) => {
      clearTimeout(timeout)
      reject(new AppError('UpstreamUnavailable', { detail: 'The engine that holds the job does not answer.', cause }))
    })
    request.end()
  })
}
