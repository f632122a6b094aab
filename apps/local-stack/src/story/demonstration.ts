import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DEV_CHAIN_ID } from '@c2d/dev-servers'
import type { DemonstrationAlgorithm } from '../algorithms.ts'
import type { DemonstrationDataset } from '../dataset.ts'
import { ENVIRONMENTS } from '../stack/environments.ts'
import { checkProof } from './check-proof.ts'
import { compareResults, RESULT_FILE, runDirectly } from './compare.ts'
import { loadOceanJs } from './ocean-js.ts'
import type { Story } from './print.ts'
import { prepareMarket, type DemonstrationPlace } from './prepare-market.ts'
import { runJob, type FinishedJob } from './run-job.ts'

const CONSUMER_DATATOKENS = 10

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
  story.heading('publish, as the data owner')
  const market = await prepareMarket({ dataset, algorithms, datatokens: CONSUMER_DATATOKENS }, { stack, client, story })
  const { consumer } = market

  story.heading(`run, as a consumer with @oceanprotocol/lib ${client.version}`)
  const finished = await runJob(
    {
      chainId: DEV_CHAIN_ID,
      providerUrl: stack.urls.provider,
      feeTokenAddress: stack.addresses.Ocean,
      environmentId: ENVIRONMENTS.paid.id,
      dataset: market.dataset,
      algorithm: market.algorithms[0].asset,
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
