import { setMaxListeners } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { signMessage } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import type { Measured } from '../lib/report.ts'
import type { ChildServer } from './child-server.ts'
import type { ProviderWorld } from './provider-world.ts'
import type { PublishedAsset } from './publish-asset.ts'

const MEBIBYTE = 1024 * 1024
const SAMPLE_EVERY_MS = 50
const TELL_EVERY_SECONDS = 10
/** The rate of plain reads is known by then. */
const PLAIN_LIMIT_MS = 60_000

/**
 * Many large downloads at once through a provider of their own: how much it ever held, whether it came to hold more as
 * they went on, and how fast they were, against as many plain reads of the same file at its origin. Both are cut short
 * when their time is up.
 */
export async function measureMemory(
  world: ProviderWorld,
  options: { downloads: number; mebibytes: number; limitSeconds: number },
): Promise<Measured[]> {
  const bytes = options.mebibytes * MEBIBYTE
  const path = `/sized/${bytes}`
  const asset = await world.publish({ type: 'dataset', path })
  const provider = await world.startProvider()
  const transferTxId = await orderAccess(world, provider, asset)
  await world.buryOrders()
  const firstNonce = Date.now()
  const signedUrl = (index: number): string => {
    const nonce = String(firstNonce + index)
    const query = new URLSearchParams({
      fileIndex: '0',
      documentId: asset.did,
      transferTxId,
      serviceId: asset.serviceId,
      consumerAddress: world.consumer.address,
      nonce,
      signature: signMessage(asset.did + nonce, world.consumer.key),
    })
    return `${provider.url}/api/services/download?${query.toString()}`
  }
  const urls = Array.from({ length: options.downloads }, (_, index) => signedUrl(index))

  const limit = { bytes, limitMs: options.limitSeconds * 1000 }
  await readAll([signedUrl(options.downloads)], limit)
  const atRest = await residentMebibytes(provider.pid)
  const sampling = new AbortController()
  const sampled = sampleMemory(provider.pid, sampling.signal)
  const ours = await readAll(urls, limit)
  sampling.abort()
  const samples = await sampled
  await provider.stop()
  const plainUrls = urls.map(() => `http://127.0.0.1:${world.upstreamPort}${path}`)
  const plain = await readAll(plainUrls, { ...limit, limitMs: Math.min(limit.limitMs, PLAIN_LIMIT_MS) })
  const half = Math.floor(samples.length / 2)
  const growth = Math.max(...samples.slice(half)) - Math.max(...samples.slice(0, half))

  const many = `${options.downloads} concurrent downloads`
  return [
    { what: `peak memory, ${many}`, unit: 'MiB', ours: [Math.max(...samples)] },
    { what: 'its growth from their first half of time to the second', unit: 'MiB', ours: [growth] },
    { what: 'memory before them, after one download', unit: 'MiB', ours: [atRest] },
    { what: `rate, ${many} of ${options.mebibytes} MiB`, unit: 'MB/s', ours: [ours], reference: [plain] },
  ]
}

async function orderAccess(world: ProviderWorld, provider: ChildServer, asset: PublishedAsset): Promise<string> {
  const query = new URLSearchParams({
    documentId: asset.did,
    serviceId: asset.serviceId,
    consumerAddress: world.consumer.address,
    fileIndex: '0',
  })
  const answer = await fetch(`${provider.url}/api/services/initialize?${query.toString()}`)
  const quote = (await answer.json()) as Quote
  if (!quote.providerFee) throw new Error(`no fee in ${JSON.stringify(quote)}`)
  return world.consumer.startOrder(asset.datatoken, world.consumer.address, quote.providerFee)
}

/**
 * Reads these to their ends, all at once, or until the time is up; gives 10⁶ bytes a second.
 * @throws Error for one that ends before it is whole, or is refused
 */
async function readAll(urls: readonly string[], limit: { bytes: number; limitMs: number }): Promise<number> {
  const agent = new Agent({ maxSockets: Infinity })
  const startedAt = performance.now()
  const timeIsUp = AbortSignal.timeout(limit.limitMs)
  setMaxListeners(urls.length + 1, timeIsUp)
  const read = await Promise.all(urls.map((url) => readWhole(url, limit.bytes, { agent, timeIsUp })))
  agent.destroy()
  return read.reduce((sum, bytes) => sum + bytes, 0) / 1e6 / ((performance.now() - startedAt) / 1000)
}

function readWhole(
  url: string,
  bytes: number,
  { agent, timeIsUp }: { agent: Agent; timeIsUp: AbortSignal },
): Promise<number> {
  return new Promise((resolve, reject) => {
    let read = 0
    const fail = (error: Error): void => (timeIsUp.aborted ? resolve(read) : reject(error))
    const asked = get(url, { agent, signal: timeIsUp }, (response) => {
      response.on('data', (chunk: Buffer) => {
        read += chunk.length
      })
      response.on('error', fail)
      response.on('end', () => {
        if (response.statusCode === 200 && read === bytes) resolve(read)
        else fail(new Error(`a download of ${bytes} bytes answered ${response.statusCode} with ${read}`))
      })
    })
    asked.on('error', fail)
  })
}

/** The memory that was resident at each look, until the signal; tells it now and then, for runs that take long. */
async function sampleMemory(pid: number, signal: AbortSignal): Promise<number[]> {
  const samples: number[] = []
  const startedAt = performance.now()
  let toldUntil = 0
  while (!signal.aborted) {
    samples.push(await residentMebibytes(pid))
    const seconds = Math.floor((performance.now() - startedAt) / 1000)
    if (seconds >= toldUntil + TELL_EVERY_SECONDS) {
      toldUntil = seconds
      process.stdout.write(`  after ${seconds} s: ${samples.at(-1)?.toFixed(0)} MiB resident\n`)
    }
    await sleep(SAMPLE_EVERY_MS)
  }
  return samples
}

async function residentMebibytes(pid: number): Promise<number> {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kibibytes) / 1024
}
