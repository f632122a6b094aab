import { buildProofJsonSchema, type ProofEnvelope, type ProofPredicate } from '@c2d/contracts'
import { Secret } from '@c2d/runtime'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { buildStatement } from './build-statement.ts'
import { canonicalJson } from './canonical-json.ts'
import { endorseKey } from './endorsement.ts'
import { sealStatement } from './envelope.ts'
import { createLocalSigner } from './proof-signer.ts'
import { verifyProof } from './verify-proof.ts'

const ENVIRONMENT = createLocalSigner(new Secret(`0x${'01'.repeat(32)}`))
const PROOF_KEY = createLocalSigner(new Secret(`0x${'02'.repeat(32)}`))
/** Thousands of signatures are recovered, on machines that have other things to do. */
const PATIENCE_MS = 600_000
const TERM = { validFrom: 1_700_000_000, validUntil: 1_800_000_000 }
const hex = (digits: string, bytes: number): string => digits.repeat(bytes)
const DID = `did:op:${hex('a1', 32)}`

/** A proof in which every member that the schema knows says something. */
const PREDICATE: ProofPredicate = {
  job: { id: hex('b2', 16), agreementId: `0x${hex('0c', 32)}`, chainId: 8996, consumer: `0x${hex('11', 20)}` },
  environment: { id: 'paid', address: ENVIRONMENT.address },
  orders: [
    {
      did: DID,
      serviceId: 'compute',
      serviceIndex: 1,
      nft: `0x${hex('33', 20)}`,
      datatoken: `0x${hex('44', 20)}`,
      txId: `0x${hex('22', 32)}`,
    },
  ],
  datasets: [{ did: DID, serviceId: 'compute', files: [{ index: 0, sha256: hex('5a', 32), salted: true }] }],
  algorithm: {
    did: `did:op:${hex('a6', 32)}`,
    serviceId: 'access',
    files: [{ index: 0, sha256: hex('6b', 32), salted: true }],
    image: 'node:24',
    imageDigest: `sha256:${hex('7c', 32)}`,
    entrypoint: 'node $ALGO',
  },
  execution: {
    executor: 'kubernetes',
    limits: { maxDurationSeconds: 60, memoryBytes: 1_024, workspaceBytes: 2_048 },
    isolation: {
      sealed: true,
      egress: 'none',
      probes: [{ name: 'dns', address: '10.96.0.10:53', answers: 2 }],
      rounds: 3,
      durationMs: 640,
      tried: 5,
      waitedMs: 120,
      failure: 'NoMark',
    },
    steps: [{ name: 'algorithm', attempt: 1, startedAtMs: 1_750_000_000_000, endedAtMs: 1_750_000_001_000 }],
    exitCode: 3,
    reason: 'AlgorithmFailed',
  },
  rules: [{ rule: 'algorithm-trusted', resource: 'dataset', verdict: 'allow' }],
  createdAtMs: 1_750_000_000_000,
  finishedAtMs: 1_750_000_002_000,
}

type Path = readonly (string | number)[]

/** Every value that holds no others, with the way to it. */
function listLeaves(value: unknown, path: Path = []): { path: Path; value: string | number | boolean }[] {
  if (Array.isArray(value)) return value.flatMap((one, index) => listLeaves(one, [...path, index]))
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, one]) => listLeaves(one, [...path, name]))
  }
  return [{ path, value: value as string | number | boolean }]
}

function replaceAt(value: unknown, [step, ...rest]: Path, leaf: unknown): unknown {
  if (step === undefined) return leaf
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string, unknown>
  copy[step] = replaceAt(copy[step], rest, leaf)
  return copy
}

/** A value in all the ways in which one character of it can be another: of its kind, in another casing, of no kind. */
function listChanges(value: string | number | boolean): unknown[] {
  if (typeof value === 'boolean') return [!value]
  const text = String(value)
  const changed = text
    .split('')
    .flatMap((character, at) =>
      [...othersFor(character)].map((other) => text.slice(0, at) + other + text.slice(at + 1)),
    )
  return typeof value === 'string'
    ? changed
    : changed.map(Number).filter((number) => Number.isFinite(number) && number !== value)
}

function othersFor(character: string): Set<string> {
  const next = String.fromCodePoint((character.codePointAt(0) ?? 0) + 1)
  const cased = character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase()
  return new Set([next, cased].filter((candidate) => candidate !== character))
}

/** The ways to every value that the schema knows, positions in lists left out. */
function listKnown(schema: SchemaNode, definitions: Record<string, SchemaNode>, path = ''): string[] {
  if (schema.$ref) return listKnown(definitions[schema.$ref.split('/').at(-1) ?? ''] ?? {}, definitions, path)
  if (schema.anyOf) return schema.anyOf.flatMap((one) => listKnown(one, definitions, path))
  if (schema.items) return listKnown(schema.items, definitions, `${path}[]`)
  if (!schema.properties) return schema.type === 'null' ? [] : [path]
  return Object.entries(schema.properties).flatMap(([name, one]) => listKnown(one, definitions, `${path}.${name}`))
}

interface SchemaNode {
  type?: string
  $ref?: string
  anyOf?: SchemaNode[]
  items?: SchemaNode
  properties?: Record<string, SchemaNode>
  $defs?: Record<string, SchemaNode>
}

let proof: ProofEnvelope
beforeAll(async () => {
  const endorsement = await endorseKey(ENVIRONMENT, 'paid', PROOF_KEY.address, TERM)
  const files = [{ name: 'outputs/b.csv', digest: { sha256: hex('8d', 32) } }]
  proof = await sealStatement(buildStatement(PREDICATE, files), PROOF_KEY, endorsement)
})

const payloadOf = ({ payload }: ProofEnvelope): object =>
  JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as object
const holds = (document: unknown): boolean => verifyProof(document).statement !== null

describe('attack: each field of a proof changed by one character', () => {
  it('the proof that is changed here holds, and has every field that there is', () => {
    expect(verifyProof(proof).checks.filter(({ passed }) => !passed)).toEqual([])
    const schema: SchemaNode = buildProofJsonSchema()
    const known = new Set(listKnown(schema, schema.$defs ?? {}))
    const said = listLeaves(payloadOf(proof)).map(({ path }) =>
      path.map((step) => (typeof step === 'number' ? '[]' : `.${step}`)).join(''),
    )
    expect(new Set(said)).toEqual(known)
    expect(known.size).toBeGreaterThan(50)
  })

  it(
    'of the statement: none holds',
    () => {
      const statement = payloadOf(proof)
      const unnoticed: unknown[] = []
      let tried = 0
      for (const { path, value } of listLeaves(statement)) {
        for (const changed of listChanges(value)) {
          const payload = Buffer.from(canonicalJson(replaceAt(statement, path, changed) as object)).toString('base64')
          tried += 1
          if (holds({ ...proof, payload })) unnoticed.push([path.join('.'), changed])
        }
      }
      expect(unnoticed).toEqual([])
      expect(tried).toBeGreaterThan(1_000)
    },
    PATIENCE_MS,
  )

  it(
    'of the envelope, its signature and the endorsement: none holds',
    () => {
      const { payload: _payload, ...rest } = proof
      const unnoticed: unknown[] = []
      for (const { path, value } of listLeaves(rest)) {
        for (const changed of listChanges(value)) {
          if (holds(replaceAt(proof, path, changed))) unnoticed.push([path.join('.'), changed])
        }
      }
      expect(unnoticed).toEqual([])
    },
    PATIENCE_MS,
  )

  it(
    'of the payload as it is written: none holds, its spare bits included',
    () => {
      const unnoticed: number[] = []
      for (let at = 0; at < proof.payload.length; at += 1) {
        const [other = ''] = othersFor(proof.payload[at] ?? '')
        const payload = proof.payload.slice(0, at) + other + proof.payload.slice(at + 1)
        if (holds({ ...proof, payload })) unnoticed.push(at)
      }
      expect(unnoticed).toEqual([])
    },
    PATIENCE_MS,
  )

  it('a member left out, added or given twice: none holds', () => {
    const statement = payloadOf(proof)
    for (const { path } of listLeaves(statement)) {
      const without = replaceAt(statement, path, undefined) as object
      const payload = Buffer.from(canonicalJson(JSON.parse(JSON.stringify(without)) as object)).toString('base64')
      expect([path.join('.'), holds({ ...proof, payload })]).toEqual([path.join('.'), false])
    }
    for (const path of [[], ['predicate'], ['predicate', 'execution', 'isolation'], ['subject', 0]]) {
      const payload = Buffer.from(canonicalJson(replaceAt(statement, [...path, 'more'], 1) as object)).toString(
        'base64',
      )
      expect([path.join('.'), holds({ ...proof, payload })]).toEqual([path.join('.'), false])
    }
    const twice = canonicalJson(statement).replace('{"_type"', '{"predicateType":"x","_type"')
    expect(holds({ ...proof, payload: Buffer.from(twice).toString('base64') })).toBe(false)
    expect(holds({ ...proof, signatures: [...proof.signatures, ...proof.signatures] })).toBe(false)
    expect(holds({ ...proof, signatures: [] })).toBe(false)
  })
})
