import { chooseFilename } from '@c2d/storage'
import type { GuardedRequest } from '@c2d/http-kit'
import type { FileOrigin, OriginAnswer } from './staging/origin.ts'

/** As many as the original follows (pods-behaviour §1.6). */
export const MAX_REDIRECTS = 10

/** Answers after which asking again may help: the origin was busy, slow, or had not what stands before it. */
const PASSING_STATUS = new Set([408, 425, 429, 500, 502, 503, 504])

/** A file at a plain address, as legacy workflows name it (pods-behaviour §1.5). */
export function createUrlOrigin(url: string, deps: { request: GuardedRequest }): FileOrigin {
  return {
    ownName: URL.canParse(url) ? chooseFilename(null, new URL(url).pathname) : null,
    ask: (headers, signal) => deps.request(url, { headers: { accept: '*/*', ...headers }, signal }),
    async explain(answer) {
      answer.body.destroy()
      return Promise.resolve({
        message: `the origin answered with status ${answer.status}`,
        isPassing: isPassingStatus(answer.status),
      })
    },
  }
}

/** Whether a status means that the same question may be answered later. */
export function isPassingStatus(status: number): boolean {
  return PASSING_STATUS.has(status)
}

const MAX_REFUSAL_BYTES = 64 * 1024

/** The text of a refusal, as far as it is read at all; an endless one is cut, a broken one is what arrived. */
export async function readRefusal(answer: OriginAnswer, timeoutMs: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  const timer = setTimeout(() => answer.body.destroy(), timeoutMs)
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > MAX_REFUSAL_BYTES) break
    }
  } catch {
    // What arrived before it broke off is said; the status alone is a reason already.
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks).toString('utf8')
}
