import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEV_CHAIN_ID, devWallet } from '@c2d/dev-servers'
import type { Signer } from 'ethers-v5'
import { ALGORITHMS, type DemonstrationAlgorithm } from '../../src/algorithms.ts'
import { locateDataset, type DemonstrationDataset } from '../../src/dataset.ts'
import { ENVIRONMENTS } from '../../src/stack/environments.ts'
import type { Stack, StackHandle, StackOptions } from '../../src/stack/start-stack.ts'
import { loadOceanJs, type OceanClient } from '../../src/story/ocean-js.ts'
import { prepareMarket, type Market } from '../../src/story/prepare-market.ts'
import { SILENT_STORY } from '../../src/story/print.ts'
import type { PublishedAsset } from '../../src/story/publish-assets.ts'
import { runJob, type FinishedJob } from '../../src/story/run-job.ts'
import { createSigner } from '../../src/story/signers.ts'
import type { JobOptions } from '../../src/story/start-job.ts'

const ORDERS = 20
const STRANGER_ACCOUNT = 3
const WAITING = "console.log('waiting'); setInterval(() => {}, 1000)\n"

/** The whole system with a market in it, and ocean.js before it. */
export interface StoryWorld {
  readonly stack: Stack
  readonly client: OceanClient
  readonly market: Market
  readonly dataset: DemonstrationDataset
  /** The algorithm that computes something. */
  readonly wageGap: DemonstrationAlgorithm
  /** One that the dataset trusts, and that never ends by itself. */
  readonly waiting: PublishedAsset
  /** One that the dataset does not trust. */
  readonly untrusted: PublishedAsset
  /** Somebody else, who has no part in any job. */
  readonly stranger: Signer
  /** A folder of this world. */
  readonly folder: string
  /** A paid run of the wage gap, but for what is said. */
  readonly jobOptions: (given?: Partial<JobOptions>) => JobOptions
  readonly run: (given?: Partial<JobOptions>) => Promise<FinishedJob>
  readonly close: () => Promise<void>
}

/**
 * Starts the system, publishes and hands out tokens.
 * @param start brings the system up over this folder, with these files to publish
 * @param container what algorithms run in, where the published images cannot be pulled
 */
export async function createStoryWorld(
  start: (options: Pick<StackOptions, 'dataFolder' | 'files'>) => StackHandle,
  container: Partial<DemonstrationAlgorithm['container']> = {},
): Promise<StoryWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-story-'))
  const dataset = locateDataset()
  const runsIn = (algorithm: DemonstrationAlgorithm): DemonstrationAlgorithm => ({
    ...algorithm,
    container: { ...algorithm.container, ...container },
  })
  const [wageGap, regression] = [ALGORITHMS.node, ALGORITHMS.python].map(runsIn)
  if (!wageGap || !regression) throw new Error('the demonstration has no algorithms')
  const waiting = { ...wageGap, title: 'Waits', fileName: 'waiting.cjs', path: join(folder, 'waiting.cjs') }
  await writeFile(waiting.path, WAITING)
  const files = Object.fromEntries([dataset, wageGap, regression, waiting].map((file) => [file.fileName, file.path]))

  const handle = start({ dataFolder: folder, files })
  const close = async (): Promise<void> => {
    await handle.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const stack = await handle.started
    const client = loadOceanJs({ addressFile: stack.addressFile, write: () => undefined })
    const market = await prepareMarket(
      { dataset, algorithms: [wageGap, waiting], datatokens: ORDERS },
      { stack, client, story: SILENT_STORY },
    )
    const [offered, waitingOffer] = market.algorithms
    if (!waitingOffer) throw new Error('an algorithm was not published')
    const untrusted = await market.publisher.publishAlgorithm(regression, stack.files.urlOf(regression.fileName))
    await market.publisher.giveDatatokens(untrusted, stack.accounts.consumer.address, '1')
    const jobOptions = (given: Partial<JobOptions> = {}): JobOptions => ({
      chainId: DEV_CHAIN_ID,
      providerUrl: stack.urls.provider,
      feeTokenAddress: stack.addresses.Ocean,
      environmentId: ENVIRONMENTS.paid.id,
      dataset: market.dataset,
      algorithm: offered.asset,
      consumer: market.consumer,
      downloadsFolder: join(folder, 'downloads'),
      ...given,
    })
    const run = (given: Partial<JobOptions> = {}): Promise<FinishedJob> =>
      runJob(jobOptions(given), { client, story: SILENT_STORY })
    const { asset: waitingAsset } = waitingOffer
    const { address, privateKey } = devWallet(STRANGER_ACCOUNT)
    const stranger = createSigner(
      { index: STRANGER_ACCOUNT, address, publishedPrivateKey: privateKey },
      { rpcUrl: stack.urls.chain, chainId: DEV_CHAIN_ID },
    )
    return {
      ...{ stack, client, market, dataset, wageGap, waiting: waitingAsset, untrusted, stranger, folder },
      ...{ jobOptions, run, close },
    }
  } catch (error) {
    await close()
    throw error
  }
}
