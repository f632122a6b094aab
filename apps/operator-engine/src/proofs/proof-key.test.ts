import { buildStatement, createLocalSigner, sealStatement, verifyProof } from '@c2d/proof'
import { Secret } from '@c2d/runtime'
import { describe, expect, it } from '@jest/globals'
import { buildProofPredicate } from '@c2d/testing'
import { readConfig } from '../config.ts'
import { createProofKeys, type ProofKeys } from './proof-key.ts'

const DAY_MS = 86_400_000
const NOON_MS = 20_000 * DAY_MS

const environments = readConfig({
  DATABASE_URL: 'postgres://x',
  POD_DATABASE_URL: 'postgres://y',
  WORKSPACES_FOLDER: '/w',
  RESULTS_FOLDER: '/r',
  POD_CONFIGURATION_PROGRAM: 'c',
  POD_PUBLISHING_PROGRAM: 'p',
  ENVIRONMENTS: JSON.stringify(['01', '02'].map((key) => ({ id: `env-${key}`, privateKey: `0x${key.repeat(32)}` }))),
}).environments
const [one, other] = environments as [(typeof environments)[number], (typeof environments)[number]]

async function prove(keys: ProofKeys, finishedAtMs: number, signedAtMs = finishedAtMs) {
  const { signer, endorsement } = await keys(one, signedAtMs)
  const predicate = buildProofPredicate({ environment: { id: one.id, address: one.consumerAddress }, finishedAtMs })
  const { checks } = verifyProof(await sealStatement(buildStatement(predicate, []), signer, endorsement))
  return { address: signer.address, failed: checks.filter(({ passed }) => !passed).map(({ name }) => name) }
}

describe('createProofKeys', () => {
  it('behaviour: every engine of an environment signs with the same key, another environment with another', async () => {
    const { signer } = await createProofKeys({ termDays: 10 })(one, NOON_MS)
    expect((await createProofKeys({ termDays: 10 })(one, NOON_MS + 9 * DAY_MS)).signer.address).toBe(signer.address)
    expect((await createProofKeys({ termDays: 10 })(other, NOON_MS)).signer.address).not.toBe(signer.address)
    expect(signer.address).not.toBe(one.consumerAddress)
  })

  it('behaviour: each term has a key of its own; proofs by the one before stay good', async () => {
    const keys = createProofKeys({ termDays: 10 })
    const before = await prove(keys, NOON_MS)
    const after = await prove(keys, NOON_MS + 10 * DAY_MS)
    expect([before.failed, after.failed]).toEqual([[], []])
    expect(after.address).not.toBe(before.address)
  })

  it('attack: a key signs nothing that ended after its term, nor before', async () => {
    const keys = createProofKeys({ termDays: 10 })
    for (const finishedAtMs of [NOON_MS - 1, NOON_MS + 10 * DAY_MS]) {
      expect((await prove(keys, finishedAtMs, NOON_MS)).failed).toEqual(['term'])
    }
  })

  it('behaviour: the key of a signer elsewhere is endorsed for each term', async () => {
    const signer = createLocalSigner(new Secret(`0x${'42'.repeat(32)}`))
    const keys = createProofKeys({ termDays: 10, signer })
    for (const finishedAtMs of [NOON_MS, NOON_MS + 10 * DAY_MS]) {
      expect(await prove(keys, finishedAtMs)).toEqual({ address: signer.address, failed: [] })
    }
  })
})
