import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  computeJobMessage,
  JOB_STATUS,
  jobStatusAnswerListSchema,
  PROVIDER_ENDPOINTS,
  type JobStatusAnswer,
} from '@c2d/contracts'
import type { Signer } from 'ethers-v5'
import type { OceanClient, OceanEnvironment, OceanJob, OceanQuote } from './ocean-js.ts'
import type { Story } from './print.ts'
import type { PublishedAsset } from './publish-assets.ts'

const RUN_SECONDS = 300
const POLL_MS = 50
const JOB_TIMEOUT_MS = 120_000

/** What is to run, on what, for whom. */
export interface JobOptions {
  readonly chainId: number
  readonly providerUrl: string
  readonly feeTokenAddress: string
  readonly environmentId: string
  readonly dataset: PublishedAsset
  readonly algorithm: PublishedAsset
  readonly consumer: Signer
  /** What is to become of the output, as ocean.js hands it on. */
  readonly output?: object
  /** Where downloaded results are kept. */
  readonly downloadsFolder: string
}

/** A result as it was downloaded. */
export interface DownloadedResult {
  /** `output`, `algorithmLog`, … */
  readonly type: string
  readonly fileName: string
  readonly content: Buffer
}

/** A job that ran to its end. */
export interface FinishedJob {
  readonly job: JobStatusAnswer
  readonly results: readonly DownloadedResult[]
}

/** Orders and runs one job with ocean.js, telling each step. Throws where a step fails or the job does not end well. */
export async function runJob(
  options: JobOptions,
  deps: { readonly client: OceanClient; readonly story: Story },
): Promise<FinishedJob> {
  const { chainId, providerUrl, consumer, dataset, algorithm } = options
  const { story, client } = deps
  const { ocean } = client
  const provider = ocean.ProviderInstance
  const consumerAddress = await consumer.getAddress()

  const environment = await story.step('environments', async () => {
    const all = (await provider.getComputeEnvironments(providerUrl))[chainId] ?? []
    const found = all.find(({ id }) => id === options.environmentId)
    if (!found) throw new Error(`there is no environment ${options.environmentId}`)
    return { value: found, detail: all.map(({ id, priceMin }) => `${id} (${priceMin} OCEAN a minute)`).join(', ') }
  })

  const validUntil = Math.floor(Date.now() / 1000) + RUN_SECONDS
  const quotes = await story.step('initializeCompute', async () => {
    const asked = [dataset, algorithm].map(({ did, serviceId }) => ({ documentId: did, serviceId }))
    const [askedDataset, askedAlgorithm] = asked
    if (!askedDataset || !askedAlgorithm) throw new Error('nothing to ask for')
    const answer = await provider.initializeCompute(
      [askedDataset],
      askedAlgorithm,
      environment.id,
      validUntil,
      providerUrl,
      consumerAddress,
    )
    const quote = answer.datasets[0]
    if (!quote) throw new Error('the provider quotes nothing for the dataset')
    return { value: { dataset: quote, algorithm: answer.algorithm }, detail: 'the provider signs its fees' }
  })

  const orders = await story.step('startOrder on chain', async () => {
    const balance = () => ocean.balance(consumer, options.feeTokenAddress, consumerAddress)
    const before = Number(await balance())
    const algorithmOrder = await order(algorithm, quotes.algorithm, environment, options, client)
    const datasetOrder = await order(dataset, quotes.dataset, environment, options, client)
    const paid = Number((before - Number(await balance())).toFixed(6))
    return {
      value: { algorithm: algorithmOrder, dataset: datasetOrder },
      detail: `paid 1 datatoken each for dataset and algorithm,\nand ${paid} OCEAN for ${RUN_SECONDS / 60} minutes of ${environment.id}`,
    }
  })

  const jobId = await story.step('computeStart', async () => {
    const started = await provider.computeStart(
      providerUrl,
      consumer,
      environment.id,
      { documentId: dataset.did, serviceId: dataset.serviceId, transferTxId: orders.dataset },
      { documentId: algorithm.did, serviceId: algorithm.serviceId, transferTxId: orders.algorithm },
      undefined,
      undefined,
      options.output,
    )
    const id = started?.[0]?.jobId
    if (!id) throw new Error(`the provider did not start the job: ${client.lastWords()}`)
    return { value: id, detail: `job ${id}` }
  })

  const finished = await story.step('computeStatus until finished', async (say) => {
    const deadline = Date.now() + JOB_TIMEOUT_MS
    for (;;) {
      const job: OceanJob | undefined = (await provider.computeStatus(providerUrl, consumerAddress, jobId))[0]
      if (!job) throw new Error(`the provider knows no job ${jobId}`)
      say(job.statusText.trim())
      if (job.dateFinished) return { value: job, detail: job.statusText.trim() }
      if (Date.now() > deadline) throw new Error(`the job did not finish within ${JOB_TIMEOUT_MS / 1000} s`)
      await sleep(POLL_MS)
    }
  })

  const results = await story.step('download every result', async (say) => {
    const folder = join(options.downloadsFolder, jobId)
    await mkdir(folder, { recursive: true })
    const downloaded: DownloadedResult[] = []
    for (const [index, { type }] of [...(finished.results || [])].entries()) {
      const url = await provider.getComputeResultUrl(providerUrl, consumer, jobId, index)
      const { data, filename } = await ocean.downloadFile(url, index)
      const fileName = safeFileName(filename)
      const content = Buffer.from(data)
      await writeFile(join(folder, `${index}-${fileName}`), content)
      downloaded.push({ type, fileName, content })
      say(fileName)
    }
    const names = downloaded.map(({ fileName, content }) => `${fileName} (${content.length} bytes)`)
    return { value: downloaded, detail: names.join('\n') }
  })

  const job = await loadSignedStatus(options, jobId, client)
  if (job.status !== JOB_STATUS.finished.code || job.reason || job.exitCode) {
    const why = [job.statusText.trim(), job.reason, job.exitCode ? `exit code ${job.exitCode}` : ''].filter(Boolean)
    const log = results.find(({ type }) => type === 'algorithmLog')?.content.toString('utf8') ?? ''
    throw new Error(`the job did not end well: ${why.join(', ')}\n${log}`)
  }
  return { job, results }
}

/** Pays for one item: the datatoken, and the provider's fee where there is one. Gives the order's transaction. */
async function order(
  asset: PublishedAsset,
  quote: OceanQuote,
  environment: OceanEnvironment,
  { consumer, chainId }: JobOptions,
  { ocean, lastWords }: OceanClient,
): Promise<string> {
  if (quote.validOrder) return quote.validOrder
  const { providerFee } = quote
  if (!providerFee) throw new Error(`the provider quotes no fee for ${asset.did}`)
  if (BigInt(providerFee.providerFeeAmount) > 0n) {
    const payer = await consumer.getAddress()
    const { providerFeeToken, providerFeeAmount } = providerFee
    await ocean.approveWei(consumer, undefined, payer, providerFeeToken, asset.datatokenAddress, providerFeeAmount)
  }
  const datatoken = new ocean.Datatoken(consumer, chainId)
  const sent = await datatoken.startOrder(asset.datatokenAddress, environment.consumerAddress, 0, providerFee)
  if (!sent) throw new Error(`the order of ${asset.did} failed: ${lastWords()}`)
  return sent.hash
}

/** The status with what only the job's owner sees: reason, exit code, timeline. ocean.js does not sign this request. */
async function loadSignedStatus(
  { providerUrl, consumer }: JobOptions,
  jobId: string,
  client: OceanClient,
): Promise<JobStatusAnswer> {
  const response = await fetchSigned('computeStatus', { providerUrl, consumer, jobId }, client)
  if (!response.ok) throw new Error(`the signed status is refused (${response.status}): ${await response.text()}`)
  const [job] = jobStatusAnswerListSchema.parse(await response.json())
  if (!job) throw new Error(`the provider knows no job ${jobId}`)
  return job
}

/**
 * Asks what only those may who sign for a job; ocean.js has no call for it. What is signed has no separators: by chance it
 * is the text of an earlier request, which counts once; the next nonce makes another text.
 */
export async function fetchSigned(
  endpoint: 'computeStatus' | 'computeProof',
  asked: { providerUrl: string; consumer: Signer; jobId: string },
  client: OceanClient,
): Promise<Response> {
  const first = await fetchOnce(endpoint, asked, client)
  return first.status === 400 ? fetchOnce(endpoint, asked, client) : first
}

async function fetchOnce(
  endpoint: 'computeStatus' | 'computeProof',
  { providerUrl, consumer, jobId }: { providerUrl: string; consumer: Signer; jobId: string },
  { ocean }: OceanClient,
): Promise<Response> {
  const consumerAddress = await consumer.getAddress()
  const nonce = String((await ocean.ProviderInstance.getNonce(providerUrl, consumerAddress)) + 1)
  const message = computeJobMessage({ consumerAddress, jobId, nonce })
  const signature = await ocean.ProviderInstance.signProviderRequest(consumer, message)
  const query = new URLSearchParams({ consumerAddress, jobId, nonce, signature })
  return fetch(`${providerUrl}${PROVIDER_ENDPOINTS[endpoint][1]}?${query.toString()}`)
}

/** The name goes to disk and to the terminal: nothing of it may be a path or a control code. */
function safeFileName(name: string): string {
  const safe = name.replace(/[^\w.-]/g, '_').replace(/^\.+/, '_')
  return safe.slice(0, 100) || 'result'
}
