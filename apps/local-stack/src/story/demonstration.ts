import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DEV_CHAIN_ID } from '@c2d/dev-servers'
import type { DemonstrationAlgorithm } from '../algorithms.ts'
import type { DemonstrationDataset } from '../dataset.ts'
import { ENVIRONMENTS } from '../stack/environments.ts'
import type { Stack } from '../stack/start-stack.ts'
import { checkProof } from './check-proof.ts'
import { compareResults, RESULT_FILE, runDirectly } from './compare.ts'
import { loadOceanJs } from './ocean-js.ts'
import type { Story } from './print.ts'
import { createPublisher, type PublishedAsset } from './publish-assets.ts'
import { runJob, type FinishedJob } from './run-job.ts'
import { createSigner, mintTokens } from './signers.ts'

const CONSUMER_OCEAN_WEI = 1_000n * 10n ** 18n
const CONSUMER_DATATOKENS = '10'

/** The system that is shown: all that a publisher and a consumer know of it. */
export type DemonstrationPlace = Pick<Stack, 'addresses' | 'addressFile' | 'accounts'> & {
  readonly urls: Omit<Stack['urls'], 'operatorService' | 'operatorEngine'>
  readonly files: Pick<Stack['files'], 'urlOf'>
}

/** What is shown, and where its traces stay. */
export interface DemonstrationOptions {
  readonly dataset: DemonstrationDataset
  /** All that are published; the first is the one that runs. */
  readonly algorithms: readonly [DemonstrationAlgorithm, ...DemonstrationAlgorithm[]]
  readonly dataFolder: string
  /** Where interpreters are found. */
  readonly path: string
  /** Receives what ocean.js logs. */
  readonly writeClientLog: (line: string) => void
}

/**
 * Shows the system at work: publishes a dataset and algorithms, runs one paid job, and holds its result against the
 * truth. Gives whether the result is right. Throws where a step fails.
 */
export async function runDemonstration(
  options: DemonstrationOptions,
  deps: { readonly stack: DemonstrationPlace; readonly story: Story },
): Promise<boolean> {
  const { stack, story } = deps
  const { dataset, algorithms } = options
  const [algorithm] = algorithms
  const client = loadOceanJs({ addressFile: stack.addressFile, write: options.writeClientLog })
  const chain = { rpcUrl: stack.urls.chain, chainId: DEV_CHAIN_ID }
  const [owner, consumer] = [
    createSigner(stack.accounts.publisher, chain),
    createSigner(stack.accounts.consumer, chain),
  ]
  const publisher = createPublisher(
    {
      chainId: DEV_CHAIN_ID,
      providerUrl: stack.urls.provider,
      metadataCacheUrl: stack.urls.metadataCache,
      factoryAddress: stack.addresses.ERC721Factory,
      signer: owner,
    },
    { client },
  )

  story.heading('publish, as the data owner')
  const publishedDataset = await story.step('dataset', async () => ({
    value: await publisher.publishDataset(dataset, stack.files.urlOf(dataset.fileName)),
    detail: `${dataset.title}\n${dataset.packageName}, licence ${dataset.licence}`,
  }))
  const published: { asset: PublishedAsset; algorithm: DemonstrationAlgorithm }[] = []
  for (const each of algorithms) {
    const asset = await story.step(`algorithm (${each.name})`, async () => ({
      value: await publisher.publishAlgorithm(each, stack.files.urlOf(each.fileName)),
      detail: `${each.title}\napps/local-stack/algorithms/${each.fileName}`,
    }))
    published.push({ asset, algorithm: each })
  }
  await story.step('trusted algorithms', async () => {
    await publisher.trustAlgorithms(publishedDataset, published)
    return { value: undefined, detail: 'only these may run on the dataset, down to their bytes' }
  })
  await story.step('tokens for the consumer', async () => {
    const { address } = stack.accounts.consumer
    await mintTokens(stack.addresses.Ocean, owner, address, CONSUMER_OCEAN_WEI.toString())
    for (const asset of [publishedDataset, ...published.map(({ asset }) => asset)]) {
      await publisher.giveDatatokens(asset, address, CONSUMER_DATATOKENS)
    }
    const ocean = CONSUMER_OCEAN_WEI / 10n ** 18n
    return { value: undefined, detail: `${ocean} OCEAN, ${CONSUMER_DATATOKENS} datatokens of each asset` }
  })

  story.heading(`run, as a consumer with @oceanprotocol/lib ${client.version}`)
  const finished = await runJob(
    {
      chainId: DEV_CHAIN_ID,
      providerUrl: stack.urls.provider,
      feeTokenAddress: stack.addresses.Ocean,
      environmentId: ENVIRONMENTS.paid.id,
      dataset: publishedDataset,
      algorithm: requireFirst(published).asset,
      consumer,
      downloadsFolder: join(options.dataFolder, 'downloads'),
    },
    { client, story },
  )

  await story.step('proof', async () => ({
    value: undefined,
    detail: await checkProof(
      {
        chainId: DEV_CHAIN_ID,
        rpcUrl: stack.urls.chain,
        providerUrl: stack.urls.provider,
        consumer,
        downloadsFolder: join(options.dataFolder, 'downloads'),
      },
      finished,
      { client },
    ),
  }))

  tellTimeline(finished, story)
  const result = finished.results.find(({ fileName }) => fileName === RESULT_FILE)?.content
  const log = finished.results.find(({ type }) => type === 'algorithmLog')?.content
  story.block('result', result?.toString('utf8') ?? '(none)')
  story.block('log', log?.toString('utf8') ?? '(none)')
  story.line('')

  const folder = join(options.dataFolder, 'direct-run')
  await mkdir(folder)
  const expected = await runDirectly({ algorithm, datasetPath: dataset.path, folder, path: options.path })
  const comparison = compareResults(expected, result ?? Buffer.alloc(0))
  const question = 'equal to the same algorithm run directly on the file:'
  if (comparison.isEqual) {
    story.line(`${question} yes`)
  } else {
    const { line, expected: wanted, actual } = comparison
    story.warning(`${question} NO (line ${line}: expected '${wanted}', got '${actual}')`)
  }
  return comparison.isEqual
}

/** What happened on the server's side, by its own clock, since the job was accepted. */
function tellTimeline({ job }: FinishedJob, story: Story): void {
  const events = job.timeline ?? []
  const [first] = events
  if (!first) return
  const lines = events.map(({ what, atMs, by }) => {
    const ms = String(Math.round(atMs - first.atMs)).padStart(6)
    // An engine signs with its host and a number of its own: too much where there is only one.
    const writer = /^(operator-service|pod-)/.test(by) ? by : 'operator-engine'
    return `${ms} ms  ${what.padEnd(14)} ${writer}`
  })
  story.block('on the server, since the job was accepted', lines.join('\n'))
}

function requireFirst<T>(items: readonly T[]): T {
  const [first] = items
  if (first === undefined) throw new Error('no algorithm was published')
  return first
}
