import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { Agent as PlainAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { sleep, toError } from '@c2d/runtime'
import { KubeConfig } from '@kubernetes/client-node'
import { ClusterError, ClusterUnavailableError } from './cluster-error.ts'

/** What a query may hold; absent members are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** How an object is deleted. */
export interface DeleteOptions {
  uid?: string
  gracePeriodSeconds?: number
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
}

/** The Kubernetes API, as far as it is spoken here. Answers are untrusted: their readers parse them. */
export interface ClusterClient {
  get(path: string, query?: Query): Promise<unknown>
  create(path: string, object: object): Promise<unknown>
  /** A JSON merge patch. */
  patch(path: string, patch: object): Promise<unknown>
  delete(path: string, options?: DeleteOptions): Promise<void>
  /** An answer without an end, such as a watch or a log that is followed. */
  open(path: string, query: Query, signal: AbortSignal): Promise<IncomingMessage>
  close(): void
}

const TIMEOUT_MS = 30_000
const ATTEMPTS = 4
const MAX_PAUSE_MS = 5_000
/** How long credentials are used before they are read again: tokens of service accounts are renewed on disk. */
const CREDENTIALS_MS = 30_000
/** Connections for calls; the rest waits in line, which is our rate limit. Watches and logs have their own. */
const MAX_CONNECTIONS = 16
const KEEP_ALIVE_MS = 30_000

interface Call {
  method: string
  path: string
  body?: object
  contentType?: string
}

/**
 * A client over few, kept connections: the library's own makes one for each call, and a handshake costs as much as the
 * call. Credentials and their renewal are the library's.
 * @param kubeconfig a file; absent: the service account of the pod this runs in
 * @throws Error when there is neither
 */
export function createClusterClient(kubeconfig: string | undefined): ClusterClient {
  const config = new KubeConfig()
  if (kubeconfig === undefined) config.loadFromCluster()
  else config.loadFromFile(kubeconfig)
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new Error('the kubeconfig names no current cluster')
  const server = new URL(cluster.server)
  const send = server.protocol === 'http:' ? httpRequest : httpsRequest
  let credentials: Credentials | undefined

  async function connect(): Promise<Credentials> {
    if (credentials && Date.now() - credentials.readAtMs < CREDENTIALS_MS) return credentials
    const read = await readCredentials(config)
    if (credentials?.fingerprint === read.fingerprint) {
      read.close()
      credentials = { ...credentials, headers: read.headers, readAtMs: read.readAtMs }
    } else {
      credentials?.close()
      credentials = read
    }
    return credentials
  }

  async function start(call: Call, kind: 'calls' | 'streams', signal?: AbortSignal): Promise<IncomingMessage> {
    const { agents, headers, auth } = await connect()
    const payload = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body))
    return new Promise((resolve, reject) => {
      const options: RequestOptions = {
        method: call.method,
        host: server.hostname,
        port: server.port || (server.protocol === 'http:' ? 80 : 443),
        path: `${server.pathname.replace(/\/$/, '')}${call.path}`,
        agent: agents[kind],
        ...(auth === undefined ? {} : { auth }),
        headers: {
          ...headers,
          Accept: 'application/json',
          ...(payload
            ? { 'Content-Type': call.contentType ?? 'application/json', 'Content-Length': payload.length }
            : {}),
        },
        ...(signal ? { signal } : {}),
        ...(kind === 'calls' ? { timeout: TIMEOUT_MS } : {}),
      }
      const outgoing = send(options, resolve)
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)))
      outgoing.on('error', reject)
      outgoing.on('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS))
      outgoing.end(payload)
    })
  }

  /** Everything we ask for may be asked again: objects have names of ours, patches and deletions name what they mean. */
  async function call(what: Call): Promise<unknown> {
    let failure: Error = new Error('never asked')
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      let pauseMs = Math.min(50 * 4 ** (attempt - 1), MAX_PAUSE_MS) * (0.5 + Math.random() / 2)
      try {
        const response = await start(what, 'calls')
        const body = await text(response)
        const status = response.statusCode ?? 0
        if (status >= 200 && status < 300) return parseJson(body)
        const refusal = readRefusal(status, body)
        if (status !== 429 && status < 500) throw refusal
        failure = refusal
        const afterSeconds = Number(response.headers['retry-after'])
        if (Number.isFinite(afterSeconds)) pauseMs = Math.min(afterSeconds * 1000, MAX_PAUSE_MS)
      } catch (thrown) {
        if (thrown instanceof ClusterError) throw thrown
        failure = toError(thrown)
      }
      if (attempt < ATTEMPTS) await sleep(pauseMs)
    }
    throw new ClusterUnavailableError(`${what.method} ${what.path}: ${failure.message}`, { cause: failure })
  }

  return {
    get: (path, query) => call({ method: 'GET', path: withQuery(path, query) }),
    create: (path, object) => call({ method: 'POST', path, body: object }),
    patch: (path, patch) => call({ method: 'PATCH', path, body: patch, contentType: 'application/merge-patch+json' }),
    async delete(path, { uid, ...options } = {}) {
      await call({ method: 'DELETE', path, body: { ...options, ...(uid ? { preconditions: { uid } } : {}) } })
    },
    async open(path, query, signal) {
      const what = { method: 'GET', path: withQuery(path, query) }
      let response: IncomingMessage
      try {
        response = await start(what, 'streams', signal)
      } catch (thrown) {
        throw new ClusterUnavailableError(`${what.method} ${path}: ${toError(thrown).message}`, { cause: thrown })
      }
      if (response.statusCode === 200) return response
      const refusal = readRefusal(response.statusCode ?? 0, await text(response))
      if (refusal.status === 429 || refusal.status >= 500) throw new ClusterUnavailableError(refusal.message)
      throw refusal
    },
    close() {
      credentials?.close()
      credentials = undefined
    },
  }
}

interface Credentials {
  agents: { calls: PlainAgent; streams: PlainAgent }
  headers: Record<string, string>
  auth: string | undefined
  /** Changes when connections must be made anew. */
  fingerprint: string
  readAtMs: number
  close(): void
}

async function readCredentials(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {}
  await config.applyToHTTPSOptions(options)
  const { auth, ca, cert, key, rejectUnauthorized, servername } = options
  const tls = Object.fromEntries(
    Object.entries({ ca, cert, key, rejectUnauthorized, servername }).filter(([, value]) => value !== undefined),
  )
  const isProxied = config.getCurrentCluster()?.proxyUrl !== undefined
  const proxy = options.agent instanceof Agent ? options.agent : undefined
  const isPlain = config.getCurrentCluster()?.server.startsWith('http:') === true // such as kubectl's own proxy
  const build = (maxSockets: number): PlainAgent => {
    if (isProxied && proxy) return proxy
    const kept = { keepAlive: true, maxSockets, scheduling: 'lifo' } as const
    return isPlain ? new PlainAgent(kept) : new Agent({ ...tls, ...kept })
  }
  const agents = { calls: build(MAX_CONNECTIONS), streams: build(Infinity) }
  return {
    agents,
    headers: Object.fromEntries(Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value)])),
    auth: auth ?? undefined,
    fingerprint: JSON.stringify([tls, auth]),
    readAtMs: Date.now(),
    close() {
      agents.calls.destroy()
      agents.streams.destroy()
    },
  }
}

function withQuery(path: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given as [string, string][]).toString()}`
}

function parseJson(body: string): unknown {
  return body === '' ? null : (JSON.parse(body) as unknown)
}

function readRefusal(status: number, body: string): ClusterError {
  try {
    const { message, reason } = JSON.parse(body) as { message?: string; reason?: string }
    return new ClusterError(status, reason ?? '', message ?? `HTTP ${status}`)
  } catch {
    return new ClusterError(status, '', `HTTP ${status}: ${body.slice(0, 300)}`)
  }
}
