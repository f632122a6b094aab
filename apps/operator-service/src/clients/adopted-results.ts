import { createGuardedRequest, type GuardedAnswer, type GuardedRequest } from '@c2d/http-kit'
import { AppError } from '@c2d/runtime'
import type { ByteRange, ResultReader } from '@c2d/storage'
import { isWebAddress } from '../domain/web-address.ts'

/** An origin that sends nothing for so long, in milliseconds, while somebody waits for it. */
const STALL_MS = 300_000

/** Answers that mean that there is nothing to be had, now or later. */
const GONE = new Set([401, 403, 404, 410])

const CONNECTIONS = 64

/**
 * Reads results of jobs that an engine of the original ran: they lie at web addresses, public ones mostly
 * (operator-service-api §9.3). Everything else goes to our own stores.
 * @param options.origins where such results may be read: `https://bucket.s3.eu-west-1.amazonaws.com`
 * Whether one is public is for the operator to know who names it; no other is reached, by a redirect neither (DESIGN §4.8).
 * @param options.timeoutMs how long an origin may take until it answers
 */
export function openAdoptedResults(
  options: { origins: readonly string[]; timeoutMs: number },
  { stores }: { stores: ResultReader },
): ResultReader {
  const { origins, timeoutMs } = options
  const allowList = origins.map(hostAndPort)
  const request = createGuardedRequest({ allowList, timeoutMs, connections: CONNECTIONS, maxRedirects: 0 })
  return createAdoptedResults({ origins: new Set(origins) }, { request, stores })
}

function createAdoptedResults(
  { origins }: { origins: ReadonlySet<string> },
  deps: { request: GuardedRequest; stores: ResultReader },
): ResultReader {
  return {
    async stat(url) {
      if (!isWebAddress(url)) return deps.stores.stat(url)
      // One byte asked for tells the size of all, also where HEAD is not answered.
      const answer = await ask(url, 'bytes=0-0')
      answer.body.destroy()
      const sizeBytes = sizeOf(answer)
      if (sizeBytes === null) throw unavailable('Where the result lies, nothing says how large it is.')
      return { sizeBytes }
    },
    async open(url, range) {
      if (!isWebAddress(url)) return deps.stores.open(url, range)
      const answer = await ask(url, range && `bytes=${range.start}-${range.end}`)
      answer.body.setTimeout(STALL_MS, () => answer.body.destroy(new Error('the origin sends nothing')))
      if (!range || isThatRange(answer, range)) return answer.body
      answer.body.destroy()
      throw unavailable('Where the result lies, no part of it can be had: ask for all of it.')
    },
  }

  async function ask(url: string, range: string | undefined): Promise<GuardedAnswer> {
    const { origin } = new URL(url)
    if (!origins.has(origin)) {
      throw new AppError('NotFound', {
        detail: 'The result of this earlier job lies at an address that this operator does not serve results from.',
      })
    }
    const headers = { accept: '*/*', 'accept-encoding': 'identity', ...(range === undefined ? {} : { range }) }
    const answer = await deps
      .request(url, { headers, signal: new AbortController().signal })
      .catch((cause: unknown) => {
        throw unavailable('Where the result lies, nobody answers.', cause)
      })
    // An empty file has no first byte.
    if (answer.status === 200 || answer.status === 206 || (answer.status === 416 && sizeOf(answer) === 0)) return answer
    answer.body.destroy()
    if (GONE.has(answer.status)) {
      throw new AppError('NotFound', { detail: 'The result is not where it was kept any more.' })
    }
    throw unavailable(`Where the result lies, the answer is ${answer.status}.`)
  }
}

/** As the guard's allow-list names it. */
function hostAndPort(origin: string): string {
  const { hostname, port, protocol } = new URL(origin)
  return `${hostname.replace(/^\[|\]$/g, '')}:${port || (protocol === 'https:' ? 443 : 80)}`
}

function sizeOf({ status, headers }: GuardedAnswer): number | null {
  const text = status === 200 ? headers['content-length'] : /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1]
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null
}

function isThatRange({ status, headers }: GuardedAnswer, { start, end }: ByteRange): boolean {
  return status === 206 && (headers['content-range'] ?? '').startsWith(`bytes ${start}-${end}/`)
}

function unavailable(detail: string, cause?: unknown): AppError {
  return new AppError('UpstreamUnavailable', { detail, cause })
}
