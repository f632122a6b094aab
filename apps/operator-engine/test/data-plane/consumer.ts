import { once } from 'node:events'
import { createHash } from 'node:crypto'
import { Agent, get, type IncomingMessage } from 'node:http'
import { buffer, text } from 'node:stream/consumers'
import { signMessage } from '@c2d/chain'
import {
  computeJobMessage,
  computeResultMessage,
  computeStartMessage,
  environmentListSchema,
  jobStatusAnswerListSchema,
  operatorMessage,
  quoteSchema,
  type Environment,
  type JobStatusAnswer,
} from '@c2d/contracts'
import { sleep } from '@c2d/runtime'
import type { OceanActor } from '@c2d/testing'
import { z } from 'zod'
import { waitUntil } from '../integration/executor-conformance.ts'
import type { PublishedAsset } from './publish-asset.ts'

/** How a result is fetched: from the provider, as its consumer, or from an operator-service, as the provider. */
export type ResultAddress = (index: number) => string

/** A result as it came, whole. */
export interface FetchedResult {
  status: number
  headers: IncomingMessage['headers']
  sizeBytes: number
  sha256: string
}

const quotesSchema = z.object({ datasets: z.array(quoteSchema), algorithm: quoteSchema })
const SERVICES = '/api/services'
const RUN_SECONDS = 3_600
/** A connection each: a kept one may be closed by the other side just when it is used again. */
const agent = new Agent({ keepAlive: false })

/** Orders and starts one job over several datasets. @returns its id */
export async function startJob(
  run: { datasets: readonly PublishedAsset[]; algorithm: PublishedAsset },
  deps: { consumer: OceanActor; consumerKey: string; providerUrl: string },
): Promise<string> {
  const { consumer, consumerKey, providerUrl } = deps
  const environment = await findEnvironment(providerUrl)
  const name = ({ did, serviceId }: PublishedAsset) => ({ documentId: did, serviceId })
  const quotes = quotesSchema.parse(
    await ask(`${providerUrl}${SERVICES}/initializeCompute`, {
      datasets: run.datasets.map(name),
      algorithm: name(run.algorithm),
      compute: { env: environment.id, validUntil: Math.floor(Date.now() / 1000) + RUN_SECONDS },
      consumerAddress: consumer.address,
    }),
  )
  const order = async (asset: PublishedAsset, quote: z.infer<typeof quoteSchema> | undefined) => {
    if (!quote?.providerFee) throw new Error(`no fee for ${asset.did}`)
    const transferTxId = await consumer.order(asset.datatoken, environment.consumerAddress, 0, quote.providerFee)
    return { ...name(asset), transferTxId }
  }
  const algorithm = await order(run.algorithm, quotes.algorithm)
  const orders: Awaited<ReturnType<typeof order>>[] = []
  for (const [index, asset] of run.datasets.entries()) orders.push(await order(asset, quotes.datasets[index]))
  const [dataset, ...additionalDatasets] = orders
  if (!dataset) throw new Error('a job without a dataset')
  const nonce = nextNonce()
  const message = computeStartMessage({ consumerAddress: consumer.address, documentId: dataset.documentId, nonce })
  const started = await ask(`${providerUrl}${SERVICES}/compute`, {
    consumerAddress: consumer.address,
    signature: signMessage(message, consumerKey),
    nonce,
    environment: environment.id,
    dataset,
    additionalDatasets,
    algorithm,
  })
  const [job] = z.array(z.object({ jobId: z.string() })).parse(started)
  if (!job) throw new Error('no job was started')
  return job.jobId
}

/** Follows a job to its end. */
export async function waitForEnd(
  jobId: string,
  deps: { consumer: OceanActor; consumerKey: string; providerUrl: string; timeoutMs: number },
): Promise<JobStatusAnswer> {
  const { consumer, consumerKey, providerUrl } = deps
  const giveUpAtMs = Date.now() + deps.timeoutMs
  for (;;) {
    const nonce = nextNonce()
    const named = { consumerAddress: consumer.address, jobId, nonce }
    const signature = signMessage(computeJobMessage(named), consumerKey)
    const query = new URLSearchParams({ ...named, signature })
    const [job] = jobStatusAnswerListSchema.parse(await ask(`${providerUrl}${SERVICES}/compute?${query.toString()}`))
    if (job?.dateFinished) return job
    if (Date.now() > giveUpAtMs) throw new Error(`the job did not end: ${JSON.stringify(job, null, 1)}`)
    await sleep(250)
  }
}

/** Signed addresses of a job's results at the provider, each for one request. */
export function addressAtProvider(
  jobId: string,
  deps: { consumer: OceanActor; consumerKey: string; providerUrl: string },
): ResultAddress {
  return (index) => {
    const named = { consumerAddress: deps.consumer.address, jobId, index: String(index), nonce: nextNonce() }
    const signature = signMessage(computeResultMessage(named), deps.consumerKey)
    return `${deps.providerUrl}${SERVICES}/computeResult?${new URLSearchParams({ ...named, signature }).toString()}`
  }
}

/** Signed addresses of a job's results at an operator-service, each for one request. */
export function addressAtOperator(
  jobId: string,
  deps: { owner: string; providerKey: string; operatorUrl: string },
): ResultAddress {
  return (index) => {
    const named = { owner: deps.owner, jobId, nonce: nextOperatorNonce() }
    const providerSignature = signMessage(operatorMessage(named), deps.providerKey)
    const query = new URLSearchParams({ ...named, providerSignature, index: String(index) })
    return `${deps.operatorUrl}/api/v1/operator/getResult?${query.toString()}`
  }
}

/** Fetches a result whole and keeps no more of it than its hash. */
export async function fetchWhole(url: string): Promise<FetchedResult> {
  const answer = await open(url, {})
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    hash.update(chunk)
    sizeBytes += chunk.length
  }
  return { status: answer.statusCode ?? 0, headers: answer.headers, sizeBytes, sha256: hash.digest('hex') }
}

/** Fetches a part of a result. @param headers with a `Range` */
export async function fetchPart(url: string, headers: Record<string, string>): Promise<[number, Buffer]> {
  const answer = await open(url, headers)
  return [answer.statusCode ?? 0, await buffer(answer)]
}

/** Fetches a small text, whatever the status. */
export async function fetchText(url: string): Promise<[number, string]> {
  const answer = await open(url, {})
  return [answer.statusCode ?? 0, await text(answer)]
}

/** The environment of the only engine, once it has announced it. */
async function findEnvironment(providerUrl: string): Promise<Environment> {
  const found: Environment[] = []
  await waitUntil(async () => {
    const listed = await ask(`${providerUrl}${SERVICES}/computeEnvironments`)
    found.push(...(z.record(z.string(), environmentListSchema).parse(listed)['8996'] ?? []))
    return found.length > 0
  }, 60_000)
  const [environment] = found
  if (!environment) throw new Error('unreachable')
  return environment
}

async function open(url: string, headers: Record<string, string>): Promise<IncomingMessage> {
  const request = get(url, { agent, headers })
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  return answer
}

async function ask(url: string, json?: unknown): Promise<unknown> {
  const response = await fetch(url, {
    ...(json === undefined
      ? {}
      : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(json) }),
  })
  const body = await response.text()
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}: ${body}`)
  return JSON.parse(body) as unknown
}

let nonces = Date.now()
let operatorNonces = 0n

function nextNonce(): string {
  nonces += 1
  return String(nonces)
}

/** Nanoseconds, as the provider's own; half a millisecond off, so that they never meet. */
function nextOperatorNonce(): string {
  operatorNonces += 1n
  return String(BigInt(Date.now()) * 1_000_000n + 500_000n + operatorNonces)
}
