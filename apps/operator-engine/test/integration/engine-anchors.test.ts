import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildProviderFee, computeDid, createChainClient, signMessage, type ChainClient } from '@c2d/chain'
import type { DerivedAsset, ProofOrder } from '@c2d/contracts'
import { DEV_ACCOUNTS, devWallet } from '@c2d/dev-servers'
import { isSettled, listEvents, listTransactions, loadDerivedAsset, loadProof, type JobRow } from '@c2d/operator-db'
import { sleep } from '@c2d/runtime'
import { createOceanActor, startTestChain, type OceanActor, type TestChain } from '@c2d/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createEngineWorld, type EngineWorld } from './support/engine-world.ts'

const WALLET = devWallet(6)
const CONSUMER = devWallet(1)
const ENVIRONMENT_ADDRESS = '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1'
const ALGORITHM = `require('fs').writeFileSync('/data/outputs/result.txt', '42')`

let world: EngineWorld
let chain: TestChain
let actor: OceanActor
let client: ChainClient
let orders: ProofOrder[]
beforeAll(async () => {
  ;[world, chain] = await Promise.all([createEngineWorld(), startTestChain()])
  actor = createOceanActor(chain.rpcUrl, chain.addresses.ERC721Factory, 0)
  client = createChainClient({ chainId: 8996, rpcUrl: chain.rpcUrl })
  orders = [await order(), await order()]
})
afterAll(async () => {
  client.close()
  actor.close()
  await Promise.all([world.close(), chain.stop()])
})

async function order(): Promise<ProofOrder> {
  const { nft, datatoken } = await actor.publish()
  await actor.mintDatatoken(datatoken, actor.address)
  const fee = buildProviderFee(
    {
      providerData: { environment: 'engine-tests', timestamp: 1700000000, dt: datatoken, id: 's' },
      feeToken: chain.addresses.Ocean,
      amountWei: 0n,
      validUntil: 1900000000,
    },
    DEV_ACCOUNTS.provider.publishedPrivateKey,
  )
  const txId = await actor.order(datatoken, ENVIRONMENT_ADDRESS, 0, fee)
  return { did: computeDid(nft, 8996), serviceId: 's', serviceIndex: 0, nft, datatoken, txId }
}

const wallets = (changes: object = {}) => ({
  WALLETS: JSON.stringify([
    {
      chainId: 8996,
      rpcUrls: [chain.rpcUrl],
      privateKey: WALLET.privateKey,
      confirmations: 0,
      anchorProofs: true,
      ...changes,
    },
  ]),
})
const text = `${CONSUMER.address}did:op:x1`
const evidence = () => ({ orders, rules: [], consent: { text, signature: signMessage(text, CONSUMER.privateKey) } })

async function waitForEvent(jobId: string, what: string) {
  const giveUpAt = Date.now() + 120_000
  for (;;) {
    const found = (await listEvents(world.db, jobId)).find((event) => event.what === what)
    if (found) return found
    if (Date.now() > giveUpAt) throw new Error(`job ${jobId} has no event ${what}`)
    await sleep(50)
  }
}
const executions = (jobId: string) =>
  Promise.all(
    orders.map(async ({ datatoken, txId }) =>
      (await client.listExecutions(datatoken, txId, 0)).filter(({ providerData }) => providerData?.includes(jobId)),
    ),
  )

describe('anchors of proofs', () => {
  it('behaviour: each order of a job is told of its proof on chain, once, with two engines at it and one killed', async () => {
    const [first] = await Promise.all([world.startEngine(wallets()), world.startEngine(wallets())])
    const jobId = await world.queueJob(ALGORITHM, { evidence: evidence(), owner: CONSUMER.address })
    await world.waitForJob(jobId, (job: JobRow) => job.dateFinished !== null)
    await waitForEvent(jobId, 'proven')
    await first.kill('SIGKILL')
    expect((await waitForEvent(jobId, 'anchored')).detail).toEqual({ orders: 2 })
    const told = await executions(jobId)
    expect(told.map(({ length }) => length)).toEqual([1, 1])
    expect(told[0]?.[0]).toMatchObject({ providerAddress: WALLET.address, consumerAddress: CONSUMER.address })
    expect(told[0]?.[0]?.providerData).toMatch(new RegExp(`^{"jobId":"${jobId}","proofSha256":"[0-9a-f]{64}"}$`))
    expect(await listTransactions(world.db, jobId)).toHaveLength(2)
  }, 180_000)

  it('error: a start that nobody signed, or signed with another text, is told in the timeline and costs nothing', async () => {
    const unsigned = await world.queueJob(ALGORITHM, { evidence: { orders, rules: [] }, owner: CONSUMER.address })
    const forged = { ...evidence(), consent: { text: `${text}2`, signature: signMessage(text, CONSUMER.privateKey) } }
    const wrong = await world.queueJob(ALGORITHM, { evidence: forged, owner: CONSUMER.address })
    expect((await waitForEvent(unsigned, 'anchored')).detail).toEqual({ orders: 0, note: 'the start was not signed' })
    expect((await waitForEvent(wrong, 'anchored')).detail).toEqual({
      orders: 0,
      note: '2 orders left out: refused, refused',
    })
    expect(await listTransactions(world.db, wrong)).toEqual([])
  }, 180_000)
})

describe('engines that are set up otherwise', () => {
  it('attack: one without a wallet takes back neither an anchor nor an asset that is owed: another one goes on', async () => {
    const own = await createEngineWorld()
    const encrypting = createServer((_request, response) => response.writeHead(201).end('0x1234'))
    await new Promise<void>((resolve) => encrypting.listen(0, '127.0.0.1', resolve))
    const host = `127.0.0.1:${(encrypting.address() as AddressInfo).port}`
    const factoryAddress = chain.addresses.ERC721Factory
    try {
      const deaf = await own.startEngine(wallets({ rpcUrls: ['http://127.0.0.1:9'], factoryAddress }))
      const jobId = await own.queueJob(ALGORITHM, { evidence: evidence(), owner: CONSUMER.address })
      const wish: DerivedAsset = {
        outputs: true,
        log: false,
        owner: CONSUMER.address,
        whitelist: [],
        metadata: {},
        serviceEndpoint: `http://${host}`,
      }
      await own.db.raw(
        `UPDATE jobs SET workflow = jsonb_set(workflow::jsonb, '{spec,metadata,stages,0,output}', :output::jsonb)::text
         WHERE workflowid = :jobId`,
        { jobId, output: JSON.stringify({ derivedAsset: wish }) },
      )
      await eventually('it is proven', async () => (await loadProof(own.db, jobId)) !== null)
      await deaf.kill('SIGKILL')

      const bare = await own.startEngine()
      await own.db.raw('UPDATE proofs SET anchor_next_at = now(); UPDATE derived_assets SET next_at = now()')
      const says = (sentence: string) => () => bare.output().includes(sentence)
      await eventually('it looked at the anchor', says('a proof could not be anchored yet'))
      await eventually('it looked at the asset', says('an asset could not be published yet'))
      await bare.kill('SIGKILL')

      await own.db.raw('UPDATE proofs SET anchor_next_at = now(); UPDATE derived_assets SET next_at = now()')
      await own.startEngine({ ...wallets({ factoryAddress }), OUTBOUND_ALLOW: `${own.origin},${host}` })
      await eventually('it is settled', () => isSettled(own.db, jobId))
      expect(await loadDerivedAsset(own.db, jobId)).toMatchObject({ state: 'published' })
      expect((await executions(jobId)).map(({ length }) => length)).toEqual([1, 1])
    } finally {
      await own.close()
      encrypting.close()
    }
  }, 300_000)
})

async function eventually(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = Date.now() + 120_000
  while (!(await look())) {
    if (Date.now() > giveUpAt) throw new Error(`waited in vain: ${what}`)
    await sleep(50)
  }
}
