import { sha256Hex, signMessage } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import type { Measured } from '../lib/report.ts'
import { buildRequest, generateLoad } from './generate-load.ts'
import type { ProviderWorld } from './provider-world.ts'
import type { PublishedAsset } from './publish-asset.ts'

const CONNECTIONS = 16
const WARM_UP_REQUESTS = 100
const ALGORITHM_CODE = 'console.log("count")'
const ALGORITHM_PATH = '/algorithm.js'

/** A run that is paid for. */
interface OrderedRun {
  environment: string
  dataset: { documentId: string; serviceId: string; transferTxId: string }
  algorithm: { documentId: string; serviceId: string; transferTxId: string }
}

/**
 * Signed start requests, all for one order: signature, nonce, documents, orders, the algorithm's bytes and the answer
 * of the operator, but no round trips to the chain. They are signed before the clock starts.
 */
export async function measureStart(
  world: ProviderWorld,
  options: { rounds: number; requests: number; providerPort: number },
): Promise<Measured[]> {
  const run = await orderRun(world, options.providerPort)
  let lastNonce = Date.now()
  const sign = (count: number): Buffer[] => Array.from({ length: count }, () => buildStart(run, world, ++lastNonce))
  const send = async (requests: Buffer[]) =>
    generateLoad({ port: options.providerPort, connections: CONNECTIONS, next: () => requests.pop() })

  await world.buryOrders()
  await send(sign(WARM_UP_REQUESTS))
  // What was first seen in one block is known for good when it is still so, some blocks later.
  await world.buryOrders()
  await send(sign(WARM_UP_REQUESTS))

  const rates: number[] = []
  const halves: number[] = []
  const tails: number[] = []
  for (let round = 0; round < options.rounds; round++) {
    const { requestsPerSecond, latenciesMs } = await send(sign(options.requests))
    rates.push(requestsPerSecond)
    halves.push(quantile(latenciesMs, 0.5))
    tails.push(quantile(latenciesMs, 0.99))
  }
  const what = 'start request, provider, chain answers cached'
  return [
    { what, unit: 'requests/s', ours: rates },
    { what: `${what}, p50 of ${CONNECTIONS} at once`, unit: 'ms', ours: halves },
    { what: `${what}, p99 of ${CONNECTIONS} at once`, unit: 'ms', ours: tails },
  ]
}

async function orderRun(world: ProviderWorld, providerPort: number): Promise<OrderedRun> {
  await world.keep(ALGORITHM_PATH, ALGORITHM_CODE)
  const algorithm = await world.publish({ type: 'algorithm', path: ALGORITHM_PATH })
  const compute = { publisherTrustedAlgorithms: [{ did: algorithm.did, filesChecksum: sha256Hex(ALGORITHM_CODE) }] }
  const dataset = await world.publish({ type: 'dataset', path: '/sized/1000', compute })
  const nameOf = ({ did, serviceId }: PublishedAsset) => ({ documentId: did, serviceId })
  const answer = await fetch(`http://127.0.0.1:${providerPort}/api/services/initializeCompute`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      datasets: [nameOf(dataset)],
      algorithm: nameOf(algorithm),
      compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 3_600 },
      consumerAddress: world.consumer.address,
    }),
  })
  if (answer.status !== 200) throw new Error(`quotes refused: ${await answer.text()}`)
  const quotes = (await answer.json()) as { datasets: Quote[]; algorithm: Quote }
  const order = async (asset: PublishedAsset, quote: Quote | undefined) => {
    if (!quote?.providerFee) throw new Error(`no fee in ${JSON.stringify(quote)}`)
    const { datatoken } = asset
    const transferTxId = await world.consumer.startOrder(datatoken, world.environmentAddress, quote.providerFee)
    return { ...nameOf(asset), transferTxId }
  }
  return {
    environment: 'free',
    dataset: await order(dataset, quotes.datasets[0]),
    algorithm: await order(algorithm, quotes.algorithm),
  }
}

function buildStart(run: OrderedRun, { consumer }: ProviderWorld, nonceNumber: number): Buffer {
  const { address: consumerAddress, key } = consumer
  const nonce = String(nonceNumber)
  const signature = signMessage(consumerAddress + run.dataset.documentId + nonce, key)
  return buildRequest('POST', '/api/services/compute', JSON.stringify({ consumerAddress, signature, nonce, ...run }))
}

/** The sample below which this part of them lies. */
function quantile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
