import { createHash } from 'node:crypto'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createChainClient } from '@c2d/chain'
import type { JobEvent } from '@c2d/contracts'
import { DEV_CHAIN_ID } from '@c2d/dev-servers'
import { beforeAll, expect, it } from '@jest/globals'
import { z } from 'zod'
import { checkProof } from '../../src/story/check-proof.ts'
import type { FinishedJob } from '../../src/story/run-job.ts'
import { loadSignedStatus } from '../../src/story/signed-requests.ts'
import type { StoryWorld } from './story-world.ts'
import { runVerify } from './verify-program.ts'

const DISPATCH_MS = 300_000
const POLL_MS = 200

const assetSchema = z.object({
  did: z.string(),
  nft: z.string(),
  datatoken: z.string(),
  transactions: z.record(z.string(), z.string()),
})
const envelopeSchema = z.looseObject({ payload: z.string() })

/** What becomes of results whose consumer wants them to be an asset: on chain, at the provider, and in the proof. */
export function describeDerivedAsset(here: () => StoryWorld): void {
  let finished: FinishedJob
  let asset: z.infer<typeof assetSchema>
  let published: string

  beforeAll(async () => {
    finished = await here().run({
      output: {
        publishOutput: true,
        publishAlgorithmLog: false,
        metadata: { name: 'What women earn', description: 'by education' },
      },
    })
    asset = assetSchema.parse((await waitForEvent(here(), finished.job.jobId, 'assetPublished')).detail)
    const { downloadsFolder } = here().jobOptions()
    published = join(downloadsFolder, finished.job.jobId)
    await checkProof(proofOptions(here()), finished, { client: here().client })
  })

  it('behaviour: the consumer owns it on chain, and its document tells where it is from', async () => {
    const { client, market, stack } = here()
    const chain = createChainClient({ chainId: DEV_CHAIN_ID, rpcUrl: stack.urls.chain })
    expect(await chain.nftOwner(asset.nft)).toBe(stack.accounts.consumer.address)
    chain.close()

    const aquarius = new client.ocean.Aquarius(stack.urls.metadataCache)
    const ddo = await aquarius.waitForIndexer(asset.did, asset.transactions['describe'], undefined, 100)
    expect(ddo).toMatchObject({
      metadata: {
        name: 'What women earn',
        additionalInformation: {
          computation: {
            job: finished.job.jobId,
            datasets: [market.dataset.did],
            algorithm: market.algorithms[0].asset.did,
            proofSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          },
        },
      },
    })
  })

  it('behaviour: another consumer orders it and gets the very bytes; without an order there is nothing', async () => {
    const { client, market, stack, stranger: buyer } = here()
    const { ocean } = client
    const { provider } = stack.urls
    const buyerAddress = await buyer.getAddress()
    const owner = stack.accounts.consumer.address
    const datatokens = new ocean.Datatoken(market.consumer, DEV_CHAIN_ID)
    // The contracts take every permission back when an NFT changes hands; its owner gives them anew.
    await (await datatokens.addMinter(asset.datatoken, owner, owner))?.wait()
    await (await datatokens.mint(asset.datatoken, owner, '1', buyerAddress))?.wait()
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
    const result = finished.results.find(({ type }) => type === 'output')
    expect(filename).toBe('result.json')
    expect(sha256(Buffer.from(data))).toBe(sha256(result?.content ?? Buffer.alloc(0)))

    const refused = await fetch(url.replace(sent?.hash ?? '', `0x${'ee'.repeat(32)}`))
    expect(refused.status).toBeGreaterThanOrEqual(400)
  })

  it('behaviour: c2d-verify finds nothing wrong with its job, with the chain at hand and without', async () => {
    const { job } = finished
    await waitForEvent(here(), job.jobId, 'anchored')
    const proof = join(published, 'proof.json')
    expect(await runVerify(proof)).toMatchObject({ exitCode: 0 })
    const whole = await runVerify(proof, '--outputs', published, '--rpc', here().stack.urls.chain)
    expect(whole).toMatchObject({ exitCode: 0, report: expect.stringContaining('outputs/result.json') })
    expect(whole.report).toContain('anchored there')
  })

  it.each<[string, (folder: string) => Promise<void>]>([
    ['its statement was changed', (folder) => changeStatement(join(folder, 'proof.json'))],
    ['an output was changed', (folder) => appendTo(folder, 'output')],
    ['the log was changed', (folder) => appendTo(folder, 'algorithmLog')],
  ])('attack: c2d-verify finds out that %s', async (_what, lie) => {
    const folder = join(here().folder, `lie-${sha256(Buffer.from(_what)).slice(0, 8)}`)
    await cp(published, folder, { recursive: true })
    await lie(folder)
    const verdict = await runVerify(join(folder, 'proof.json'), '--outputs', folder, '--rpc', here().stack.urls.chain)
    expect(verdict).toMatchObject({ exitCode: 1 })
  })

  it('behaviour: a job that asks for none makes none', async () => {
    const { job } = await here().run()
    await waitForEvent(here(), job.jobId, 'anchored')
    const { timeline } = await loadSignedStatus({ ...here().jobOptions(), jobId: job.jobId }, here().client)
    expect(timeline?.some(({ what }) => what.startsWith('asset'))).toBe(false)
  })

  it('attack: nobody else becomes its owner', async () => {
    const output = { publishOutput: true, owner: here().stack.accounts.publisher.address }
    await expect(here().run({ output })).rejects.toThrow(/did not start/)
  })

  async function appendTo(folder: string, type: string): Promise<void> {
    const index = finished.results.findIndex((result) => result.type === type)
    await writeFile(join(folder, `${index}-${finished.results[index]?.fileName ?? ''}`), ' ', { flag: 'a' })
  }
}

function proofOptions({ jobOptions, stack }: StoryWorld) {
  return { ...jobOptions(), rpcUrl: stack.urls.chain }
}

/** Another job than the one that was signed. */
async function changeStatement(path: string): Promise<void> {
  const envelope = envelopeSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  const statement = Buffer.from(envelope.payload, 'base64').toString('utf8')
  const changed = statement.replace(/"exitCode":\d+/, '"exitCode":7')
  expect(changed).not.toBe(statement)
  await writeFile(path, JSON.stringify({ ...envelope, payload: Buffer.from(changed).toString('base64') }))
}

async function waitForEvent({ client, jobOptions }: StoryWorld, jobId: string, what: string): Promise<JobEvent> {
  const giveUpAtMs = Date.now() + DISPATCH_MS
  for (;;) {
    const { timeline } = await loadSignedStatus({ ...jobOptions(), jobId }, client)
    const found = timeline?.find((event) => event.what === what)
    if (found) return found
    if (Date.now() > giveUpAtMs) throw new Error(`no ${what}: ${JSON.stringify(timeline)}`)
    await sleep(POLL_MS)
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
