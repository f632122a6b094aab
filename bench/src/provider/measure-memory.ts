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

/**
 * Many large downloads at once through a provider of their own: how much it ever held, and how fast they were, against
 * as many plain reads of the same file at its origin.
 */
export async function measureMemory(
  world: ProviderWorld,
  options: { downloads: number; mebibytes: number },
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

  await readAll([signedUrl(options.downloads)], bytes)
  const atRest = await residentMebibytes(provider.pid)
  const sampling = new AbortController()
  const peak = samplePeak(provider.pid, sampling.signal)
  const ours = await readAll(urls, bytes)
  sampling.abort()
  const peakMebibytes = await peak
  await provider.stop()
  const plain = await readAll(
    urls.map(() => `http://127.0.0.1:${world.upstreamPort}${path}`),
    bytes,
  )

  const many = `${options.downloads} concurrent downloads`
  return [
    { what: `peak memory, ${many}`, unit: 'MiB', ours: [peakMebibytes] },
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

/** Reads these to their ends, all at once; gives 10⁶ bytes a second. @throws Error for one that is not whole */
async function readAll(urls: readonly string[], bytes: number): Promise<number> {
  const agent = new Agent({ maxSockets: Infinity })
  const startedAt = performance.now()
  await Promise.all(urls.map((url) => readWhole(url, bytes, agent)))
  return (urls.length * bytes) / 1e6 / ((performance.now() - startedAt) / 1000)
}

function readWhole(url: string, bytes: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { agent }, (response) => {
      let read = 0
      response.on('data', (chunk: Buffer) => {
        read += chunk.length
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200 && read === bytes) resolve()
        else reject(new Error(`a download of ${bytes} bytes answered ${response.statusCode} with ${read}`))
      })
    })
    asked.on('error', reject)
  })
}

/** The most memory that was resident at any look, until the signal. */
async function samplePeak(pid: number, signal: AbortSignal): Promise<number> {
  let peak = 0
  while (!signal.aborted) {
    peak = Math.max(peak, await residentMebibytes(pid))
    await sleep(SAMPLE_EVERY_MS)
  }
  return peak
}

async function residentMebibytes(pid: number): Promise<number> {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kibibytes) / 1024
}
