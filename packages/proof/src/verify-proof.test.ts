import { describe, expect, it } from '@jest/globals'
import type { ProofEnvelope, ProofPredicate } from '@c2d/contracts'
import { Secret } from '@c2d/runtime'
import { buildStatement } from './build-statement.ts'
import { endorseKey } from './endorsement.ts'
import { sealStatement } from './envelope.ts'
import { createLocalSigner } from './proof-signer.ts'
import { verifyProof } from './verify-proof.ts'

const ENVIRONMENT = createLocalSigner(new Secret(`0x${'01'.repeat(32)}`))
const PROOF_KEY = createLocalSigner(new Secret(`0x${'02'.repeat(32)}`))
const STRANGER = createLocalSigner(new Secret(`0x${'03'.repeat(32)}`))
const TERM = { validFrom: 1_700_000_000, validUntil: 1_800_000_000 }
const SHA = 'a'.repeat(64)

function buildPredicate(changes: Partial<ProofPredicate> = {}): ProofPredicate {
  return {
    job: { id: 'b'.repeat(32), agreementId: '0xabc', chainId: 8996, consumer: `0x${'11'.repeat(20)}` },
    environment: { id: 'paid', address: ENVIRONMENT.address },
    orders: [
      {
        did: `did:op:${SHA}`,
        serviceId: 's',
        serviceIndex: 0,
        nft: `0x${'33'.repeat(20)}`,
        datatoken: `0x${'44'.repeat(20)}`,
        txId: `0x${'22'.repeat(32)}`,
      },
    ],
    datasets: [{ did: `did:op:${SHA}`, serviceId: 's', files: [{ index: 0, sha256: SHA }] }],
    algorithm: {
      did: null,
      serviceId: null,
      files: [{ index: 0, sha256: SHA }],
      image: 'node:24',
      imageDigest: null,
      entrypoint: 'node $ALGO',
    },
    execution: {
      executor: 'process',
      limits: { maxDurationSeconds: 60, memoryBytes: 1024, workspaceBytes: 2048 },
      isolation: null,
      steps: [{ name: 'algorithm', attempt: 1, startedAtMs: 1_750_000_000_000, endedAtMs: 1_750_000_001_000 }],
      exitCode: 0,
      reason: null,
    },
    rules: [{ rule: 'algorithm-trusted', resource: 'dataset', verdict: 'allow' }],
    createdAtMs: 1_750_000_000_000,
    finishedAtMs: 1_750_000_002_000,
    ...changes,
  }
}

const FILES = [
  { name: 'outputs/b.csv', digest: { sha256: 'c'.repeat(64) } },
  { name: 'logs/algorithm.log', digest: { sha256: 'd'.repeat(64) } },
]

async function buildProof(changes: Partial<ProofPredicate> = {}, files = FILES): Promise<ProofEnvelope> {
  const endorsement = await endorseKey(ENVIRONMENT, 'paid', PROOF_KEY.address, TERM)
  return await sealStatement(buildStatement(buildPredicate(changes), files), PROOF_KEY, endorsement)
}

const failed = (document: unknown): string[] =>
  verifyProof(document).checks.flatMap(({ name, passed }) => (passed ? [] : [name]))

describe('verifyProof', () => {
  it('behaviour: a proof as it was made passes every check, and tells its statement', async () => {
    const { checks, statement } = verifyProof(await buildProof())
    expect(checks.map(({ name, passed }) => [name, passed])).toEqual([
      ['form', true],
      ['canonical', true],
      ['signature', true],
      ['endorsement', true],
      ['term', true],
      ['environment', true],
    ])
    expect(statement?.subject.map(({ name }) => name)).toEqual(['logs/algorithm.log', 'outputs/b.csv'])
  })

  it('behaviour: the same facts are the same bytes, in whatever order they come', async () => {
    const { payload } = await buildProof()
    expect((await buildProof({}, [...FILES].reverse())).payload).toBe(payload)
  })

  it('behaviour: a job without any file has a proof too', async () => {
    expect(verifyProof(await buildProof({}, [])).statement?.subject[0]?.name).toBe(`job:${'b'.repeat(32)}`)
  })

  it('attack: a statement in other words, the same facts, is not what was signed', async () => {
    const proof = await buildProof()
    const payload = JSON.stringify(JSON.parse(Buffer.from(proof.payload, 'base64').toString('utf8')), null, 1)
    expect(failed({ ...proof, payload: Buffer.from(payload).toString('base64') })).toEqual(['canonical', 'signature'])
  })

  it('attack: bytes that are no text do not pass for the sign that stands for them in the name of a file', async () => {
    const proof = await buildProof({}, [{ name: 'outputs/\ufffd.csv', digest: { sha256: SHA } }])
    expect(failed(proof)).toEqual([])
    const bytes = Buffer.from(proof.payload, 'base64')
    const at = bytes.indexOf('\ufffd')
    const changed = Buffer.concat([bytes.subarray(0, at), Buffer.of(0xff), bytes.subarray(at + 3)])
    expect(changed.toString('utf8')).toBe(bytes.toString('utf8'))
    expect(failed({ ...proof, payload: changed.toString('base64') })).toEqual(['canonical'])
  })

  it('attack: a stranger cannot sign with an endorsement that is another key’s', async () => {
    const proof = await buildProof()
    const own = await endorseKey(STRANGER, 'paid', STRANGER.address, TERM)
    const forged = await sealStatement(buildStatement(buildPredicate(), FILES), STRANGER, own)
    const endorsement = proof.signatures[0]!.endorsement
    expect(failed({ ...forged, signatures: [{ ...forged.signatures[0]!, endorsement }] })).toEqual(['signature'])
    expect(failed(forged)).toEqual(['environment'])
  })

  it('attack: a key is not good before or after its term, and its term cannot be stretched', async () => {
    for (const finishedAtMs of [TERM.validFrom * 1000 - 1, TERM.validUntil * 1000]) {
      expect(failed(await buildProof({ finishedAtMs }))).toEqual(['term'])
    }
    const late = await buildProof({ finishedAtMs: TERM.validUntil * 1000 })
    const [signature] = late.signatures
    const endorsement = { ...signature!.endorsement, validUntil: TERM.validUntil + 1 }
    expect(failed({ ...late, signatures: [{ ...signature!, endorsement }] })).toEqual(['endorsement'])
  })

  it('attack: a proof of another environment of the same operator does not pass for this one', async () => {
    const proof = await buildProof({ environment: { id: 'free', address: ENVIRONMENT.address } })
    expect(failed(proof)).toEqual(['environment'])
  })

  it.each([null, {}, [], 'x', { payloadType: 'application/vnd.in-toto+json', payload: 'bm9uZQ==', signatures: [] }])(
    'error: %j is no proof',
    (document) => {
      expect(failed(document)).toEqual(['form'])
    },
  )
})
