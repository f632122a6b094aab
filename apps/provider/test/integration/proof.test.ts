import type { ProofEnvelope, ProofPredicate } from '@c2d/contracts'
import { buildStatement, createLocalSigner, endorseKey, sealStatement } from '@c2d/proof'
import { Secret } from '@c2d/runtime'
import { buildProofPredicate } from '@c2d/testing'
import { signMessage } from '@c2d/chain'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { nextNonce, query, send } from './support/api.ts'
import type { ChainActor } from './support/chain-actor.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { sendJson } from './support/http-stub.ts'
import { startStack, type Stack } from './support/stack.ts'

const PROOF = '/api/services/compute/proof'
const JOB_ID = '0123456789abcdef0123456789abcdef'
const ENVIRONMENT = createLocalSigner(new Secret(`0x${'01'.repeat(32)}`))
const SHA = 'a'.repeat(64)

let stack: Stack
let proof: ProofEnvelope
let dataset: PublishedAsset
let sign: (datasets: ProofPredicate['datasets']) => Promise<ProofEnvelope>
beforeAll(async () => {
  stack = await startStack()
  dataset = await stack.publish({ files: [stack.origin.offer('/data.csv', 'x')], compute: {} })
  const order = {
    did: dataset.did,
    serviceId: dataset.serviceId,
    serviceIndex: 0,
    nft: dataset.nft,
    datatoken: dataset.datatoken,
    txId: `0x${'22'.repeat(32)}`,
  }
  const endorsement = await endorseKey(ENVIRONMENT, 'free', ENVIRONMENT.address, {
    validFrom: 1_700_000_000,
    validUntil: 1_800_000_000,
  })
  sign = async (datasets) => {
    const predicate = buildProofPredicate({
      job: { id: JOB_ID, agreementId: order.txId, chainId: 8996, consumer: stack.consumer.address },
      environment: { id: 'free', address: ENVIRONMENT.address },
      orders: [order],
      datasets,
    })
    const statement = buildStatement(predicate, [{ name: 'outputs/a', digest: { sha256: SHA } }])
    return await sealStatement(statement, ENVIRONMENT, endorsement)
  }
  proof = await sign([{ did: dataset.did, serviceId: dataset.serviceId, files: [] }])
  stack.operator.follow = (request, response) => {
    if (request.path.endsWith(`${JOB_ID}/proof`)) sendJson(response, 200, proof)
    else sendJson(response, 404, { error: 'There is no proof' })
  }
})
afterAll(() => stack.close())

const ask = (by: ChainActor, changes: Record<string, string> = {}) => {
  const form = { consumerAddress: by.address, jobId: JOB_ID, nonce: nextNonce(), ...changes }
  const signature = signMessage(form.consumerAddress + form.jobId + form.nonce, by.key)
  return query(stack, 'GET', PROOF, { ...form, signature })
}

describe('proofs of jobs', () => {
  it('behaviour: the consumer and the owner of the dataset get what the operator signed', async () => {
    for (const reader of [stack.consumer, stack.publisher]) {
      const answer = await ask(reader)
      expect(answer.status).toBe(200)
      expect(answer.json).toEqual(proof)
    }
  })

  it('attack: others, whoever they say they are, learn what they learn of no job', async () => {
    const stranger = await ask(stack.stranger)
    const nothing = await ask(stack.consumer, { jobId: 'f'.repeat(32) })
    expect([stranger.status, nothing.status]).toEqual([404, 404])
    const posing = await ask(stack.stranger, { consumerAddress: stack.consumer.address })
    expect(posing.status).toBeGreaterThanOrEqual(400)
    expect(posing.text).not.toContain('payload')
  })

  it('behaviour: an owner who has hashes salted gets the salt of their dataset, and nobody else gets any', async () => {
    const salts = [
      { did: dataset.did, salt: '5a'.repeat(32) },
      { did: `did:op:${SHA}`, salt: '5b'.repeat(32) },
    ]
    stack.operator.follow = (request, response) => {
      if (request.path.endsWith(`${JOB_ID}/proof`)) sendJson(response, 200, proof)
      else sendJson(response, 200, salts)
    }
    const plain = proof
    const files = [{ index: 0, sha256: SHA, salted: true as const }]
    proof = await sign([
      { did: dataset.did, serviceId: dataset.serviceId, files },
      { did: `did:op:${SHA}`, serviceId: 's', files },
    ])
    expect((await ask(stack.publisher)).json).toEqual({ ...proof, salts: salts.slice(0, 1) })
    expect((await ask(stack.consumer)).json).toEqual(proof)
    expect((await ask(stack.stranger)).status).toBe(404)
    proof = plain
    expect((await ask(stack.publisher)).json).toEqual(proof)
  })

  it('attack: fileinfo does not tell the hashes that are salted in proofs', async () => {
    const file = stack.origin.offer('/guessable.csv', 'yes')
    const inform = async (saltFileHashes: boolean): Promise<unknown> => {
      const { did, serviceId } = await stack.publish({ files: [file], compute: { saltFileHashes } })
      return (await send(stack, 'POST', '/api/services/fileinfo', { did, serviceId, checksum: true })).json
    }
    expect(await inform(false)).toMatchObject([{ valid: true, checksum: expect.any(String) }])
    expect(await inform(true)).toEqual([expect.not.objectContaining({ checksum: expect.anything() })])
    expect(await inform(true)).toMatchObject([{ valid: true, contentLength: '3' }])
  })

  it('attack: a proof that does not hold is not handed on', async () => {
    const good = proof
    proof = { ...good, payload: Buffer.from('{}').toString('base64') }
    expect((await ask(stack.consumer)).status).toBe(503)
    proof = good
  })
})
