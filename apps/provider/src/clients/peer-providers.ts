import {
  fileInfoListSchema,
  isSameAddress,
  providerRootSchema,
  quoteSchema,
  type ProviderRoot,
  type Quote,
} from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { SourceFetch } from '@c2d/storage'
import type { z } from 'zod'

/** Another provider, as far as a job needs it (provider-http-api §5.4). */
export interface PeerProvider {
  /** The address it takes fees with on a chain; null where it does not serve that chain. */
  addressOn(chainId: number): string | null
  /**
   * What it asks for one access.
   * @throws AppError `FilesUnavailable` when it refuses, or quotes a fee that is not its own
   */
  quote(question: PeerQuestion): Promise<Quote>
  /**
   * How many files a service has.
   * @throws AppError `FilesUnavailable` when it does not say
   */
  countFiles(service: { documentId: string; serviceId: string }): Promise<number>
  /** SHA-256 of each file of a service in their order; null where it cannot tell all of them. */
  hashFiles(service: { documentId: string; serviceId: string }): Promise<string[] | null>
}

/** Which access a peer is asked about. */
export interface PeerQuestion {
  chainId: number
  documentId: string
  serviceId: string
  consumerAddress: string
  transferTxId: string | undefined
}

/** Finds the provider behind the `serviceEndpoint` of a service. */
export interface PeerProviders {
  /** @throws AppError `FilesUnavailable` when nothing like a provider answers there */
  find(serviceEndpoint: string): Promise<PeerProvider>
}

const ANSWER_LIMIT_BYTES = 1024 * 1024
const REFUSAL_LIMIT_CHARS = 300

/**
 * Publishers name these addresses, so all of them go through the guarded client (DESIGN §4.8).
 * @param options.timeoutMs how long a peer may take for one answer
 */
export function createPeerProviders(options: { timeoutMs: number }, deps: { fetch: SourceFetch }): PeerProviders {
  async function ask(what: string, url: string, body?: unknown): Promise<{ status: number; json: unknown }> {
    try {
      const response = await deps.fetch(url, {
        signal: AbortSignal.timeout(options.timeoutMs),
        ...(body === undefined
          ? {}
          : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
      })
      return { status: response.status, json: JSON.parse(await readLimited(response.body)) as unknown }
    } catch (cause) {
      throw new AppError('FilesUnavailable', {
        detail: `Another provider did not answer when asked for ${what}.`,
        cause,
      })
    }
  }

  async function askWell<T>(what: string, schema: z.ZodType<T>, url: string, body?: unknown): Promise<T> {
    const { status, json } = await ask(what, url, body)
    if (status !== 200) throw refused(what, `status ${status}${refusalText(json)}`)
    const parsed = schema.safeParse(json)
    if (!parsed.success) throw refused(what, 'an answer that cannot be read')
    return parsed.data
  }

  return {
    async find(serviceEndpoint) {
      const base = serviceEndpoint.replace(/\/+$/, '').replace(/\/api\/services(?:\/.*)?$/, '')
      const root = await askWell('its address', providerRootSchema, `${base}/`)
      const endpoint = (name: string): string => {
        const path = root.serviceEndpoints[name]?.[1] ?? `/api/services/${name}`
        return `${base}/${path.replace(/^\/+/, '')}`
      }
      return {
        addressOn: (chainId) => addressOf(root, chainId),
        async quote({ chainId, transferTxId, ...question }) {
          const query = new URLSearchParams({ ...question, ...(transferTxId ? { transferTxId } : {}) })
          const quote = await askWell('a quote', quoteSchema, `${endpoint('initialize')}?${query.toString()}`)
          const own = addressOf(root, chainId)
          const fee = quote.providerFee
          if (fee && (own === null || !isSameAddress(fee.providerFeeAddress, own))) {
            throw refused('a quote', 'a fee that is not its own')
          }
          if (!quote.validOrder && !(fee && quote.datatoken)) throw refused('a quote', 'no fee')
          return quote
        },
        async countFiles({ documentId, serviceId }) {
          const body = { did: documentId, serviceId }
          const files = await askWell('its files', fileInfoListSchema, endpoint('fileinfo'), body)
          return files.length
        },
        async hashFiles({ documentId, serviceId }) {
          const body = { did: documentId, serviceId, checksum: true }
          const files = await askWell('its files', fileInfoListSchema, endpoint('fileinfo'), body)
          const hashes = files.flatMap((file) =>
            file.valid && file.checksumType === 'sha256' && /^[0-9a-f]{64}$/i.test(file.checksum ?? '')
              ? [(file.checksum ?? '').toLowerCase()]
              : [],
          )
          return files.length > 0 && hashes.length === files.length ? hashes : null
        },
      }
    },
  }
}

/** The address of a root document; older providers have one for all chains (provider-http-api §1.4). */
function addressOf(root: ProviderRoot, chainId: number): string | null {
  return root.providerAddresses?.[String(chainId)] ?? root.providerAddress ?? null
}

function refused(what: string, answer: string): AppError {
  return new AppError('FilesUnavailable', { detail: `Another provider was asked for ${what} and gave ${answer}.` })
}

function refusalText(json: unknown): string {
  const error: unknown = typeof json === 'object' && json !== null ? Reflect.get(json, 'error') : undefined
  if (error === undefined) return ''
  return `: ${(typeof error === 'string' ? error : JSON.stringify(error)).slice(0, REFUSAL_LIMIT_CHARS)}`
}

async function readLimited(body: AsyncIterable<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > ANSWER_LIMIT_BYTES) throw new Error(`the answer is larger than ${ANSWER_LIMIT_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
