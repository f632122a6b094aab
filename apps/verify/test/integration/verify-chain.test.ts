import { execFile } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildProviderFee, computeDid, createOrderProofSender, signMessage } from '@c2d/chain'
import type { ProofOrder } from '@c2d/contracts'
import { DEV_ACCOUNTS, devWallet } from '@c2d/dev-servers'
import { verifyProof } from '@c2d/proof'
import { buildProofPredicate, createOceanActor, type OceanActor, startTestChain, type TestChain } from '@c2d/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createProofFolder, ENVIRONMENT, type ProofFolder, SHA, verify } from './support/proof-folder.ts'

// A proof against the chain: its orders, its anchor; and the packed program, which needs nothing else for it.

let chain: TestChain
let publisher: OceanActor
let order: ProofOrder
let strangerOrderTxId: string
/** The consumer's own, whose fee was quoted for the environment. */
let ownOrderTxId: string
let folder: ProofFolder

beforeAll(async () => {
  chain = await startTestChain()
  publisher = createOceanActor(chain.rpcUrl, chain.addresses.ERC721Factory, 0)
  const { nft, datatoken } = await publisher.publish()
  await publisher.setMetadata(nft, Buffer.from('{}'), `0x${SHA}`)
  await publisher.mintDatatoken(datatoken, publisher.address)
  const fee = (amountWei: bigint) =>
    buildProviderFee(
      {
        providerData: { environment: 'paid', timestamp: 1700000000, dt: datatoken, id: 's' },
        feeToken: chain.addresses.Ocean,
        amountWei,
        validUntil: 1900000000,
      },
      DEV_ACCOUNTS.provider.publishedPrivateKey,
    )
  await publisher.approve(chain.addresses.Ocean, datatoken, 7n)
  const txId = await publisher.order(datatoken, ENVIRONMENT.address, 0, fee(7n))
  strangerOrderTxId = await publisher.order(datatoken, publisher.address, 0, fee(0n))
  const buyer = createOceanActor(chain.rpcUrl, chain.addresses.ERC721Factory, 1)
  await publisher.mintDatatoken(datatoken, buyer.address)
  ownOrderTxId = await buyer.order(datatoken, publisher.address, 0, fee(0n))
  buyer.close()
  order = { did: computeDid(nft, 8996), serviceId: 's', serviceIndex: 0, nft, datatoken, txId }
})

afterAll(async () => {
  publisher.close()
  await chain.stop()
})

beforeEach(async () => {
  folder = await createProofFolder(order)
})

afterEach(() => folder.close())

describe('c2d-verify', () => {
  it('behaviour: a true proof holds, by itself, against its files, and on chain', async () => {
    const { path, writeProof } = folder
    const proof = await writeProof()
    const alone = await verify(proof)
    expect(alone.exitCode).toBe(0)
    expect(alone.text).toMatch(/could not be checked/)

    const all = ['--outputs', join(path, 'files'), '--rpc', chain.rpcUrl, '--environment', ENVIRONMENT.address]
    const { exitCode, text } = await verify(proof, ...all)
    expect(text).toContain('outputs/result.csv is the job')
    expect(text).toMatch(/ordered at block \d+, .*provider fee 7 base units.*the asset was active then/)
    expect(text).toContain('it is not anchored there')
    expect(text).toContain('Everything that was checked holds; 2 could not be checked.')
    expect(exitCode).toBe(0)
  })

  it('behaviour: an anchor on chain says since when the proof is as it is', async () => {
    const { writeProof } = folder
    const proof = await writeProof()
    const { anchor } = verifyProof(JSON.parse(await readFile(proof, 'utf8')))
    const text = 'what the consumer signed'
    const sender = createOrderProofSender({ chainId: 8996, rpcUrls: [chain.rpcUrl] }, devWallet(6).privateKey)
    const said = { consumerData: text, consumerSignature: signMessage(text, devWallet(0).privateKey) }
    await sender.send({
      datatokenAddress: order.datatoken,
      orderTxId: order.txId,
      providerData: anchor ?? '',
      consumerAddress: publisher.address,
      ...said,
    })
    sender.close()
    expect((await verify(proof, '--rpc', chain.rpcUrl)).text).toMatch(/ok +anchored there at block \d+, 20\d\d-/)
    // Another proof of the same job, of the same order, is not the one that was anchored.
    const other = await writeProof({ finishedAtMs: 1_750_000_002_001 })
    expect((await verify(other, '--rpc', chain.rpcUrl)).text).toContain('it is not anchored there')
  })

  it('attack: an order that is somebody else’s, of another asset, or of no asset is found on chain', async () => {
    const { writeProof } = folder
    const lies: [Partial<ProofOrder>, RegExp][] = [
      [{ txId: strangerOrderTxId }, /orders nothing of service 0 for this/],
      [{ serviceIndex: 1 }, /orders nothing of service 1/],
      [{ did: `did:op:${SHA}` }, /is not the asset/],
      [{ datatoken: order.nft }, /does not belong to the asset/],
      [{ txId: `0x${'ee'.repeat(32)}` }, /no successful transaction/],
    ]
    for (const [lie, finding] of lies) {
      const { exitCode, text } = await verify(
        await writeProof({ orders: [{ ...order, ...lie }] }),
        '--rpc',
        chain.rpcUrl,
      )
      expect(text).toMatch(finding)
      expect(exitCode).toBe(1)
    }
  })

  it('attack: an order that was made for an environment is none of another, whoever made it', async () => {
    const { writeProof } = folder
    const consumer = devWallet(1).address
    const job = { ...buildProofPredicate().job, consumer }
    // Somebody with a key of his own, an order of the consumer's, and another environment's name or his own.
    const elsewhere = await writeProof({ job, orders: [{ ...order, txId: ownOrderTxId }] }, { environmentId: 'mine' })
    const refused = await verify(elsewhere, '--rpc', chain.rpcUrl)
    expect(refused.text).toContain("is the consumer's order, and neither made nor quoted for this environment")
    expect(refused.exitCode).toBe(1)

    const named = await writeProof({ job, orders: [{ ...order, txId: ownOrderTxId }] })
    const { exitCode, text } = await verify(named, '--rpc', chain.rpcUrl)
    expect(text).toContain(`--   that it was for ${ENVIRONMENT.address}: it was made for the consumer`)
    expect(exitCode).toBe(0)
  })

  it('behaviour: packed, it runs in an empty folder, with nothing else installed', async () => {
    const { path, writeProof } = folder
    const packed = join(path, 'packed')
    await mkdir(packed)
    const run = promisify(execFile)
    const args = ['pack', '--ignore-scripts', '--offline', '--json', '--pack-destination', packed]
    const { stdout } = await run('npm', args, { cwd: new URL('../..', import.meta.url).pathname })
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
    await run('tar', ['-xzf', filename], { cwd: packed })
    const proof = await writeProof()
    const program = join(packed, 'package/bin/c2d-verify.mjs')
    const { stdout: report } = await run(process.execPath, [program, proof, '--rpc', chain.rpcUrl], { cwd: packed })
    expect(report).toMatch(/ok {3}order of .*ordered at block \d+/)
  })
})
