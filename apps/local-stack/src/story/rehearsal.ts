import { join } from 'node:path'
import { DEV_CHAIN_ID } from '@c2d/dev-servers'
import { z } from 'zod'
import { ALGORITHMS } from '../algorithms.ts'
import { locateDataset } from '../dataset.ts'
import { ENVIRONMENTS } from '../stack/environments.ts'
import { choosePorts } from '../stack/ports.ts'
import { startStack } from '../stack/start-stack.ts'
import { loadOceanJs } from './ocean-js.ts'
import { prepareMarket } from './prepare-market.ts'
import { SILENT_STORY, type Story } from './print.ts'
import { runJob, type FinishedJob } from './run-job.ts'

/** How long one job of the demonstration took, in milliseconds. */
export interface RehearsedJob {
  /** From the moment the client begins its start request until the job has finished. */
  readonly totalMs: number
  /** From the accepted request until the end, without the lifetimes of the steps: what the system itself adds. */
  readonly ownMs: number
  /** Lifetime of the algorithm step. */
  readonly algorithmMs: number
}

const finishedDetailSchema = z.object({ stepMs: z.record(z.string(), z.number()) })

/**
 * Brings the whole system up, and runs the demonstration's job again and again as a consumer would, order included.
 * Everything ends with the iteration.
 * @param options.path where interpreters are found
 */
export async function* rehearseJobs(options: {
  readonly dataFolder: string
  readonly runs: number
  readonly path: string
}): AsyncGenerator<RehearsedJob> {
  const dataset = locateDataset()
  const algorithm = ALGORITHMS.node
  const files = Object.fromEntries([dataset, algorithm].map((file) => [file.fileName, file.path]))
  const { ports } = await choosePorts({})
  const handle = startStack({ dataFolder: options.dataFolder, ports, path: options.path, files })
  try {
    const stack = await handle.started
    const client = loadOceanJs({ addressFile: stack.addressFile, write: () => undefined })
    const market = await prepareMarket(
      { dataset, algorithms: [algorithm], datatokens: options.runs },
      { stack, client, story: SILENT_STORY },
    )

    for (let run = 0; run < options.runs; run++) {
      const clock = createClock()
      const finished = await runJob(
        {
          chainId: DEV_CHAIN_ID,
          providerUrl: stack.urls.provider,
          feeTokenAddress: stack.addresses.Ocean,
          environmentId: ENVIRONMENTS.paid.id,
          dataset: market.dataset,
          algorithm: market.algorithms[0].asset,
          consumer: market.consumer,
          downloadsFolder: join(options.dataFolder, 'downloads'),
        },
        { client, story: clock.story },
      )
      yield measure(finished, clock.startedAtMs())
    }
  } finally {
    await handle.stop()
  }
}

/** A silent story that notes when the start request begins. */
function createClock(): { story: Story; startedAtMs: () => number } {
  let startedAtMs = 0
  const story: Story = {
    ...SILENT_STORY,
    step(name, work) {
      if (name === 'computeStart') startedAtMs = Date.now()
      return SILENT_STORY.step(name, work)
    },
  }
  return { story, startedAtMs: () => startedAtMs }
}

function measure({ job }: FinishedJob, startedAtMs: number): RehearsedJob {
  const created = job.timeline?.find(({ what }) => what === 'created')
  const finished = job.timeline?.find(({ what }) => what === 'finished')
  if (!created || !finished) throw new Error('the timeline of the job has no beginning or no end')
  const { stepMs } = finishedDetailSchema.parse(finished.detail)
  const stepsMs = Object.values(stepMs).reduce((sum, ms) => sum + ms, 0)
  return {
    totalMs: finished.atMs - startedAtMs,
    ownMs: finished.atMs - created.atMs - stepsMs,
    algorithmMs: stepMs['algorithm'] ?? 0,
  }
}
