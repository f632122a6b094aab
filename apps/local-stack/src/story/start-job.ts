import type { Signer } from 'ethers-v5'
import type { OceanClient, OceanEnvironment, OceanQuote } from './ocean-js.ts'
import type { Story } from './print.ts'
import type { PublishedAsset } from './publish-assets.ts'

const RUN_SECONDS = 300

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

/**
 * Orders one job with ocean.js and starts it, telling each step. Gives its id. Throws where a step fails, with what
 * ocean.js said about it.
 */
export async function startJob(
  options: JobOptions,
  deps: { readonly client: OceanClient; readonly story: Story },
): Promise<string> {
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

  return story.step('computeStart', async () => {
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
