import { signMessage } from '@c2d/chain'
import type { ProviderFee, Quote } from '@c2d/contracts'
import type { ChainActor } from './chain-actor.ts'
import type { PublishedAsset } from './publish-asset.ts'
import type { Stack } from './stack.ts'

/** An answer, read whole. */
export interface Answer {
  status: number
  headers: Headers
  text: string
  json: unknown
}

/** Asks the provider under test. */
export async function ask(stack: Stack, method: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(stack.url + path, { method, ...init })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parse(text) }
}

/** Sends a JSON body. */
export function send(stack: Stack, method: string, path: string, body: unknown): Promise<Answer> {
  return ask(stack, method, path, {
    headers: { 'Content-Type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** Asks with query parameters. */
export function query(
  stack: Stack,
  method: string,
  path: string,
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(stack, method, `${path}?${new URLSearchParams(parameters).toString()}`, { headers })
}

let lastNonce = Date.now()

/** A nonce nobody used yet. */
export function nextNonce(): string {
  lastNonce += 1
  return String(lastNonce)
}

/** A dataset and an algorithm with the orders that pay for a run. */
export interface OrderedRun {
  environment: string
  dataset: { documentId: string; serviceId: string; transferTxId: string }
  algorithm: { documentId: string; serviceId: string; transferTxId: string }
}

/** Asks for quotes. */
export function quote(
  stack: Stack,
  run: { dataset: PublishedAsset; algorithm: PublishedAsset; environment?: string; seconds?: number; by?: ChainActor },
  reuse: { dataset?: string; algorithm?: string; validUntil?: number } = {},
): Promise<Answer> {
  const name = (asset: PublishedAsset, transferTxId: string | undefined) => ({
    documentId: asset.did,
    serviceId: asset.serviceId,
    ...(transferTxId ? { transferTxId } : {}),
  })
  return send(stack, 'POST', '/api/services/initializeCompute', {
    datasets: [name(run.dataset, reuse.dataset)],
    algorithm: name(run.algorithm, reuse.algorithm),
    compute: {
      env: run.environment ?? 'free',
      validUntil: reuse.validUntil ?? Math.floor(Date.now() / 1000) + (run.seconds ?? 600),
    },
    consumerAddress: (run.by ?? stack.consumer).address,
  })
}

/** The fee of a quote that must have one. */
export function feeOf(item: Quote | undefined): ProviderFee {
  if (!item?.providerFee) throw new Error(`no fee in ${JSON.stringify(item)}`)
  return item.providerFee
}

/** Quotes and orders both, for the environment, as a consumer does. */
export async function orderRun(
  stack: Stack,
  run: { dataset: PublishedAsset; algorithm: PublishedAsset; environment?: string },
): Promise<OrderedRun> {
  const answer = await quote(stack, run)
  if (answer.status !== 200) throw new Error(`quotes refused: ${answer.text}`)
  const quotes = answer.json as { datasets: Quote[]; algorithm: Quote }
  const order = (asset: PublishedAsset, item: Quote | undefined): Promise<string> =>
    stack.consumer.startOrder(asset.datatoken, { consumer: stack.environmentAddress, fee: feeOf(item) })
  const datasetTx = await order(run.dataset, quotes.datasets[0])
  const algorithmTx = await order(run.algorithm, quotes.algorithm)
  return {
    environment: run.environment ?? 'free',
    dataset: { documentId: run.dataset.did, serviceId: run.dataset.serviceId, transferTxId: datasetTx },
    algorithm: { documentId: run.algorithm.did, serviceId: run.algorithm.serviceId, transferTxId: algorithmTx },
  }
}

/** A run as a start names it: its algorithm may come as code. */
type NamedRun = Omit<OrderedRun, 'algorithm'> & { algorithm: object }

/** A signed start request; `changes` replace members after signing; `signer` may be somebody else than it says. */
export function buildStart(
  run: NamedRun,
  by: ChainActor,
  changes: Record<string, unknown> = {},
  signer = by,
): Record<string, unknown> & { nonce: string; signature: string } {
  const nonce = nextNonce()
  return {
    consumerAddress: by.address,
    signature: signMessage(by.address + run.dataset.documentId + nonce, signer.key),
    nonce,
    ...run,
    ...changes,
  }
}

/** Starts a run. */
export function start(
  stack: Stack,
  run: NamedRun,
  options: { by?: ChainActor; changes?: Record<string, unknown> } = {},
): Promise<Answer> {
  return send(stack, 'POST', '/api/services/compute', buildStart(run, options.by ?? stack.consumer, options.changes))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
