import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChainClient } from '@c2d/chain'
import { jobStatusAnswerListSchema, type JobEvent } from '@c2d/contracts'
import { DEV_CHAIN_ID, devWallet } from '@c2d/dev-servers'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Signer } from 'ethers-v5'
import { z } from 'zod'
import { ALGORITHMS } from '../../src/algorithms.ts'
import { locateDataset } from '../../src/dataset.ts'
import { choosePorts } from '../../src/stack/ports.ts'
import { ENVIRONMENTS } from '../../src/stack/environments.ts'
import { startStack, type Stack, type StackHandle } from '../../src/stack/start-stack.ts'
import { loadOceanJs, type OceanClient } from '../../src/story/ocean-js.ts'
import { SILENT_STORY } from '../../src/story/print.ts'
import { createPublisher, type PublishedAsset } from '../../src/story/publish-assets.ts'
import { runJob, type FinishedJob } from '../../src/story/run-job.ts'
import { fetchSigned } from '../../src/story/signed-requests.ts'
import { createSigner, mintTokens } from '../../src/story/signers.ts'

const assetSchema = z.object({
  did: z.string(),
  nft: z.string(),
  datatoken: z.string(),
  transactions: z.record(z.string(), z.string()),
})
const DISPATCH_MS = 60_000

let folder: string
let handle: StackHandle
let stack: Stack
let client: OceanClient
let [owner, consumer, stranger]: Signer[] = []
let dataset: PublishedAsset
let algorithm: PublishedAsset

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2d-derived-'))
  const source = locateDataset()
  const files = Object.fromEntries([source, ALGORITHMS.node].map((file) => [file.fileName, file.path]))
  const { ports } = await choosePorts({})
  handle = startStack({ dataFolder: folder, ports, path: process.env['PATH'] ?? '', files })
  stack = await handle.started
  client = loadOceanJs({ addressFile: stack.addressFile, write: () => undefined })
  const chain = { rpcUrl: stack.urls.chain, chainId: DEV_CHAIN_ID }
  owner = createSigner(stack.accounts.publisher, chain)
  consumer = createSigner(stack.accounts.consumer, chain)
  const third = devWallet(3)
  stranger = createSigner({ index: 3, address: third.address, publishedPrivateKey: third.privateKey }, chain)
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
  dataset = await publisher.publishDataset(source, stack.files.urlOf(source.fileName))
  algorithm = await publisher.publishAlgorithm(ALGORITHMS.node, stack.files.urlOf(ALGORITHMS.node.fileName))
  await publisher.trustAlgorithms(dataset, [{ asset: algorithm, algorithm: ALGORITHMS.node }])
  await mintTokens(stack.addresses.Ocean, owner, stack.accounts.consumer.address, String(10n ** 21n))
  for (const asset of [dataset, algorithm]) await publisher.giveDatatokens(asset, stack.accounts.consumer.address, '10')
}, 180_000)

afterAll(async () => {
  await handle.stop()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

const run = (output?: object): Promise<FinishedJob> =>
  runJob(
    {
      chainId: DEV_CHAIN_ID,
      providerUrl: stack.urls.provider,
      feeTokenAddress: stack.addresses.Ocean,
      environmentId: ENVIRONMENTS.paid.id,
      dataset,
      algorithm,
      consumer: consumer as Signer,
      downloadsFolder: join(folder, 'downloads'),
      ...(output ? { output } : {}),
    },
    { client, story: SILENT_STORY },
  )

async function waitForEvent(jobId: string, what: string): Promise<JobEvent> {
  const giveUpAt = Date.now() + DISPATCH_MS
  for (;;) {
    const asked = { providerUrl: stack.urls.provider, consumer: consumer as Signer, jobId }
    const response = await fetchSigned('computeStatus', asked, client)
    const body = await response.text()
    if (!response.ok) throw new Error(`the status is refused (${response.status}): ${body}`)
    const [job] = jobStatusAnswerListSchema.parse(JSON.parse(body))
    const found = job?.timeline?.find((event) => event.what === what)
    if (found) return found
    if (Date.now() > giveUpAt) throw new Error(`no ${what}: ${JSON.stringify(job?.timeline)}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

describe('results that become an asset', () => {
  it('behaviour: the consumer owns it on chain, and another consumer orders it and gets the very bytes', async () => {
    const { job, results } = await run({
      publishOutput: true,
      publishAlgorithmLog: false,
      metadata: { name: 'What women earn', description: 'by education' },
    })
    const asset = assetSchema.parse((await waitForEvent(job.jobId, 'assetPublished')).detail)
    const chain = createChainClient({ chainId: DEV_CHAIN_ID, rpcUrl: stack.urls.chain })
    expect(await chain.nftOwner(asset.nft)).toBe(stack.accounts.consumer.address)
    chain.close()

    const { ocean } = client
    const aquarius = new ocean.Aquarius(stack.urls.metadataCache)
    const ddo = (await aquarius.waitForIndexer(asset.did, asset.transactions['describe'], undefined, 100)) as {
      metadata: { name: string; additionalInformation: { computation: Record<string, unknown> } }
    }
    expect(ddo.metadata.name).toBe('What women earn')
    expect(ddo.metadata.additionalInformation.computation).toMatchObject({
      job: job.jobId,
      datasets: [dataset.did],
      algorithm: algorithm.did,
      proofSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })

    const buyer = stranger as Signer
    const buyerAddress = await buyer.getAddress()
    const datatokens = new ocean.Datatoken(consumer as Signer, DEV_CHAIN_ID)
    // The contracts take every permission back when an NFT changes hands; its owner gives them anew.
    await (
      await datatokens.addMinter(asset.datatoken, stack.accounts.consumer.address, stack.accounts.consumer.address)
    )?.wait()
    await (await datatokens.mint(asset.datatoken, stack.accounts.consumer.address, '1', buyerAddress))?.wait()
    const { provider } = stack.urls
    const quote = await ocean.ProviderInstance.initialize(asset.did, 'access', 0, buyerAddress, provider)
    const sent = await new ocean.Datatoken(buyer, DEV_CHAIN_ID).startOrder(
      asset.datatoken,
      buyerAddress,
      0,
      quote.providerFee,
    )
    await sent?.wait()
    const url = await ocean.ProviderInstance.getDownloadUrl(asset.did, 'access', 0, sent?.hash ?? '', provider, buyer)
    const { data, filename } = await ocean.downloadFile(url, 0)
    const result = results.find(({ type }) => type === 'output')
    expect(filename).toBe('result.json')
    expect(sha256(Buffer.from(data))).toBe(sha256(result?.content ?? Buffer.alloc(0)))

    // Ordering is what opens it: without an order there is nothing.
    const refused = await fetch(url.replace(sent?.hash ?? '', `0x${'ee'.repeat(32)}`))
    expect(refused.status).toBeGreaterThanOrEqual(400)
  }, 180_000)

  it('behaviour: a job that asks for none makes none', async () => {
    const { job } = await run()
    await waitForEvent(job.jobId, 'anchored')
    expect(job.timeline?.some(({ what }) => what.startsWith('asset'))).toBe(false)
  }, 120_000)

  it('attack: nobody else becomes its owner', async () => {
    await expect(run({ publishOutput: true, owner: stack.accounts.publisher.address })).rejects.toThrow(/did not start/)
  }, 120_000)
})

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
