import {
  DOWNLOAD_TOKEN_HEADER,
  ERROR_CODES,
  fileInfoListSchema,
  providerRootSchema,
  type FileInfo,
  type ProviderRoot,
  type SignedRequest,
} from '@c2d/contracts'
import type { GuardedFetch, GuardedRequest } from '@c2d/http-kit'
import { AppError } from '@c2d/runtime'
import { readJson } from './read-json.ts'
import { createNonceOrder, type NonceOrder, type SignedRequests } from './signed-requests.ts'
import type { RetryPolicy } from './staging/backoff.ts'
import { LastingFailure, PassingFailure, type FileOrigin, type Refusal } from './staging/origin.ts'
import { retrying } from './staging/patience.ts'
import { retryAfterMs } from './staging/read-answer.ts'
import { isPassingStatus, readRefusal } from './url-origin.ts'

/** One service of an asset, at its provider, as the order that pays for it sees it. */
export interface RemoteService {
  providerUrl: string
  did: string
  serviceId: string
  txId: string
  consumerAddress: string
  /** What lets us have its files: a token, or at other providers requests signed in advance. */
  access: { token: string } | { signed: SignedRequests }
  userdata: unknown
}

/** What the configure step asks of a provider (pods-behaviour §1.5, step 3). */
export interface ProviderClient {
  /** What files the service has. */
  listFiles(service: RemoteService): Promise<FileInfo[]>
  /** One of them. */
  open(service: RemoteService, fileIndex: number): Promise<FileOrigin>
  /** Requests that were signed in advance for a provider, to be sent in the order of their nonces. */
  signedRequests(providerUrl: string, requests: readonly SignedRequest[]): SignedRequests
}

const MAX_ROOT_BYTES = 1024 ** 2
const MAX_LIST_BYTES = 32 * 1024 ** 2
/** So that a refusal says whether it passes; those that do not know it answer with their own JSON. */
const ACCEPT = 'application/problem+json, */*;q=0.5'

/**
 * Discovery is asked once a provider, not once a file.
 * @param options.timeoutMs how long the text of a refusal may take
 */
export function createProviderClient(
  options: { retry: RetryPolicy; timeoutMs: number },
  deps: { fetch: GuardedFetch; request: GuardedRequest },
): ProviderClient {
  const roots = new Map<string, Promise<ProviderRoot>>()
  const orders = new Map<string, NonceOrder>()

  async function endpoint(providerUrl: string, name: string): Promise<{ method: string; url: string }> {
    let root = roots.get(providerUrl)
    if (!root) {
      root = retrying(options.retry, () => loadRoot(deps.fetch, providerUrl))
      roots.set(providerUrl, root)
    }
    const found = (await root).serviceEndpoints[name]
    if (!found) throw new LastingFailure(`the provider serves no ${name}`)
    return { method: found[0], url: `${providerUrl.replace(/\/+$/, '')}/${found[1].replace(/^\/+/, '')}` }
  }

  async function askFiles(service: RemoteService): Promise<FileInfo[]> {
    const { method, url } = await endpoint(service.providerUrl, 'fileinfo')
    const response = await asked(() =>
      deps.fetch(url, {
        method,
        // With the token the provider answers from the document: it need not ask every origin for a count.
        headers: { Accept: ACCEPT, 'Content-Type': 'application/json', ...tokenOf(service) },
        body: JSON.stringify({ did: service.did, serviceId: service.serviceId, userdata: service.userdata }),
      }),
    )
    const body = await answered(() => readJson(response, MAX_LIST_BYTES))
    if (response.status !== 200) {
      const { message, isPassing } = readRefusalBody(body, response.status)
      const waitMs = retryAfterMs({ 'retry-after': response.headers.get('retry-after') ?? undefined }, Date.now())
      throw isPassing
        ? new PassingFailure(`fileinfo: ${message}`, { waitMs })
        : new LastingFailure(`fileinfo: ${message}`)
    }
    const list = fileInfoListSchema.safeParse(body)
    if (!list.success) throw new LastingFailure('fileinfo: the provider answered with something else than a list')
    return list.data
  }

  return {
    listFiles: (service) => retrying(options.retry, () => askFiles(service)),
    async open(service, fileIndex) {
      const { url } = await endpoint(service.providerUrl, 'download')
      const query = new URLSearchParams({
        fileIndex: String(fileIndex),
        documentId: service.did,
        transferTxId: service.txId,
        serviceId: service.serviceId,
        consumerAddress: service.consumerAddress,
      })
      if (service.userdata != null) query.set('userdata', JSON.stringify(service.userdata))
      const address = `${url}?${query.toString()}`
      const own = { accept: ACCEPT, ...tokenOf(service) }
      const { access } = service
      const isSigned = 'signed' in access
      return {
        ownName: null,
        // A request more is a signed one less.
        ...(isSigned ? { maxLanes: 1 } : {}),
        ask(headers, signal) {
          const init = { headers: { ...own, ...headers }, signal }
          if (!isSigned) return deps.request(address, init)
          return access.signed.ask((one) => deps.request(signedAddress(address, one), init), signal)
        },
        async explain(answer) {
          const body = parsedOrNull(await readRefusal(answer, options.timeoutMs))
          const { message, isPassing } = readRefusalBody(body, answer.status)
          return { message: `download: ${message}`, isPassing }
        },
      }
    },
    signedRequests(providerUrl, requests) {
      const order = orders.get(providerUrl) ?? createNonceOrder({ timeoutMs: options.timeoutMs })
      orders.set(providerUrl, order)
      return order.requestsOf(requests)
    },
  }
}

function tokenOf({ access }: RemoteService): Record<string, string> {
  return 'token' in access ? { [DOWNLOAD_TOKEN_HEADER]: access.token } : {}
}

function signedAddress(address: string, { nonce, signature }: SignedRequest): string {
  return `${address}&${new URLSearchParams({ nonce, signature }).toString()}`
}

async function loadRoot(fetch: GuardedFetch, providerUrl: string): Promise<ProviderRoot> {
  const response = await asked(() => fetch(providerUrl))
  if (isPassingStatus(response.status)) {
    await response.body?.cancel()
    throw new PassingFailure(`the provider answered with status ${response.status}`)
  }
  const root = providerRootSchema.safeParse(await answered(() => readJson(response, MAX_ROOT_BYTES)))
  if (!root.success) throw new LastingFailure('what stands at the address of the provider is none')
  return root.data
}

/** What the guard refuses stays refused; who did not answer may do so later. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    throw thrown.cause === undefined
      ? new LastingFailure(thrown.detail)
      : new PassingFailure('the provider does not answer', { cause: thrown })
  }
}

async function answered<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    throw new PassingFailure('the provider answered with something that cannot be read', { cause })
  }
}

/** What no database keeps, ends a line of a log, or changes how it reads: half characters are what a cut leaves. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** A refusal in the provider's own words (they hold no address), and whether its code says that it passes. */
function readRefusalBody(body: unknown, status: number): Refusal {
  const members: Record<string, unknown> = typeof body === 'object' && body !== null ? { ...body } : {}
  const { error, code } = members
  const message = typeof error === 'string' ? error : error === undefined ? `status ${status}` : JSON.stringify(error)
  const known = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)
  return {
    message: message.slice(0, 500).replace(UNPRINTABLE, ' '),
    isPassing: known ? ERROR_CODES[code as keyof typeof ERROR_CODES].retryable : isPassingStatus(status),
  }
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}
