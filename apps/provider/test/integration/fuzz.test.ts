import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import { PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { createLogger } from '@c2d/runtime'
import fc from 'fast-check'
import { nextNonce, orderRun, type OrderedRun } from './support/api.ts'
import { buildJob } from './support/fake-operator.ts'
import {
  anyRequest,
  carry,
  mutations,
  sendHostile,
  shape,
  type HostileRequest,
  type Mutation,
  type Shape,
} from './support/hostile-requests.ts'
import { CONTAINER, type PublishedAsset } from './support/publish-asset.ts'
import { AUTH_TOKEN_SECRET } from './support/provider-app.ts'
import { ENVIRONMENT_KEY, PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

type Endpoint = keyof typeof PROVIDER_ENDPOINTS
type Input = Record<string, unknown>

const JOB_ID = '0123456789abcdef0123456789abcdef'
const RUNS = { seed: 20_240_229, endOnFailure: true } as const

/** What a provider without gateways and an S3 client may say is out of order; nothing else is, in this test. */
const DECLARED = [
  /^No (IPFS|ARWEAVE)_GATEWAY defined/,
  /^Contracts cannot be called here/,
  /^Objects of S3 cannot be read/,
]

jest.setTimeout(600_000)

let stack: Stack
let dataset: PublishedAsset
let algorithm: PublishedAsset
let run: OrderedRun
const logged: string[] = []
const signatures: string[] = []

beforeAll(async () => {
  const log = createLogger({
    component: 'provider',
    level: 'debug',
    destination: { write: (line) => logged.push(line) },
  })
  stack = await startStack({}, { log })
  const hidden = (path: string) => {
    const file = stack.origin.offer(path, 'x')
    return { ...file, url: `${file.url}?apikey=hidden-key` }
  }
  algorithm = await stack.publish({ type: 'algorithm', serviceType: 'access', files: [hidden('/algo.js')] })
  dataset = await stack.publish({
    files: [hidden('/data.csv')],
    compute: { allowRawAlgorithm: true, publisherTrustedAlgorithms: ['*'] },
  })
  run = await orderRun(stack, { dataset, algorithm })
  stack.operator.jobs = [buildJob({ jobId: JOB_ID, owner: stack.consumer.address, namespace: 'free' })]
})
afterAll(() => stack.close())

/** A sensible input of each endpoint. */
function inputOf(endpoint: Endpoint): Input {
  const consumerAddress = stack.consumer.address
  const job = { consumerAddress, jobId: JOB_ID, documentId: dataset.did, agreementId: run.algorithm.transferTxId }
  const inputs: Record<Endpoint, Input> = {
    computeDelete: job,
    computeEnvironments: {},
    computeEvents: job,
    computeExplain: { ...run, consumerAddress, seconds: 60 },
    computeLogs: job,
    computeProof: job,
    computeResult: { ...job, index: 0 },
    computeStart: { ...run, consumerAddress, additionalDatasets: [], output: {} },
    computeStatus: job,
    computeStop: job,
    create_auth_token: { address: consumerAddress, expiration: Math.floor(Date.now() / 1000) + 600 },
    decrypt: {
      decrypterAddress: consumerAddress,
      chainId: 8996,
      dataNftAddress: dataset.nft,
      transactionId: dataset.metadataTransaction,
      encryptedDocument: '0x00',
      flags: 2,
      documentHash: `0x${'0'.repeat(64)}`,
    },
    delete_auth_token: { address: consumerAddress, token: 'a.b.c' },
    download: {
      documentId: algorithm.did,
      serviceId: algorithm.serviceId,
      transferTxId: run.algorithm.transferTxId,
      consumerAddress,
      fileIndex: 0,
      userdata: '{"a":1}',
    },
    encrypt: { chainId: 8996 },
    fileinfo: {
      type: 'url',
      url: `${stack.origin.url}/data.csv`,
      method: 'GET',
      headers: {},
      hash: 'Qm',
      userdata: {},
    },
    initialize: {
      documentId: algorithm.did,
      serviceId: algorithm.serviceId,
      consumerAddress,
      fileIndex: 0,
      transferTxId: run.dataset.transferTxId,
    },
    initializeCompute: {
      datasets: [run.dataset],
      algorithm: run.algorithm,
      compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 600 },
      consumerAddress,
    },
    nonce: { userAddress: consumerAddress },
    validateContainer: CONTAINER,
  }
  return inputs[endpoint]
}

/** What would be signed for an input, mutated as it may be. */
function messageOf(endpoint: Endpoint, input: Input): string {
  const text = (name: string): string => {
    const value = name.split('.').reduce<unknown>((at, part) => (at as Input | undefined | null)?.[part], input)
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  const parts: Partial<Record<Endpoint, string[]>> = {
    computeStart: ['consumerAddress', 'dataset.documentId'],
    computeExplain: ['consumerAddress', 'dataset.documentId'],
    computeResult: ['consumerAddress', 'jobId', 'index'],
    create_auth_token: ['address', 'expiration'],
    delete_auth_token: ['address'],
    decrypt: ['transactionId', 'decrypterAddress', 'chainId'],
    download: ['documentId'],
  }
  const message = (parts[endpoint] ?? ['consumerAddress', 'jobId', 'documentId']).map(text).join('')
  return Buffer.from(message).toString() // half a surrogate pair is nothing that can be signed
}

/** Applies mutations; dotted fields reach inside. */
function mutate(input: Input, changes: readonly Mutation[]): Input {
  const changed = structuredClone(input)
  for (const { field, value } of changes) {
    const [last, ...path] = field.split('.').reverse()
    const target = path.reverse().reduce<unknown>((at, part) => (at as Input | null | undefined)?.[part], changed)
    if (typeof target !== 'object' || target === null || last === undefined) continue
    if (value === undefined) Reflect.deleteProperty(target, last)
    // A copy: the values are shared by all requests, and the next change may reach inside.
    else
      Object.defineProperty(target, last, {
        value: structuredClone(value),
        enumerable: true,
        configurable: true,
        writable: true,
      })
  }
  return changed
}

function fieldsOf(input: Input, prefix = ''): string[] {
  return Object.entries(input).flatMap(([name, value]) => [
    prefix + name,
    ...(typeof value === 'object' && value !== null ? fieldsOf(value as Input, `${prefix}${name}.`) : []),
  ])
}

/** What nobody outside may ever read. */
function secrets(): string[] {
  const bare = [PROVIDER_KEY, ENVIRONMENT_KEY].map((key) => key.slice(2))
  const ours = stack.operator.seen.flatMap(({ query, body }) => [
    query.get('providerSignature'),
    /"providerSignature":"([^"]+)"/.exec(body)?.[1],
  ])
  return [...bare, AUTH_TOKEN_SECRET.toString(), 'hidden-key', ...ours.filter((text) => typeof text === 'string')]
}

/** Holds for every answer; anything else is a finding. */
async function assertHarmless(asked: HostileRequest): Promise<void> {
  const from = logged.length
  const answer = await sendHostile(stack.url, asked)
  const story = JSON.stringify({ asked, answer }).slice(0, 4_000)
  if (answer.status >= 500) {
    const { error } = JSON.parse(answer.text) as { error: string }
    if (answer.status !== 503 || !DECLARED.some((text) => text.test(error))) {
      throw new Error(`${story}\n${logged.slice(from).join('')}`)
    }
  }
  const told = answer.text + JSON.stringify(answer.headers)
  if (/\n\s+at |at \/|at async |node_modules|\.ts:\d|postgres(?:ql)?:/.test(told))
    throw new Error(`tells its insides: ${story}`)
  const lines = logged.slice(from).join('')
  for (const secret of secrets()) {
    if (told.includes(secret)) throw new Error(`tells a secret: ${story}`)
    if (lines.includes(secret)) throw new Error(`logs a secret: ${lines}`)
  }
  for (const signature of signatures.slice(-3))
    if (lines.includes(signature)) throw new Error(`logs a signature: ${lines}`)
}

async function assertAlive(): Promise<void> {
  const health = await fetch(`${stack.url}/healthz`)
  expect(health.status).toBe(200)
}

describe('whatever is sent', () => {
  it.each(Object.entries(PROVIDER_ENDPOINTS) as [Endpoint, readonly [string, string]][])(
    'to %s, is answered without a crash, a stack or a secret',
    async (endpoint, [method, path]) => {
      const fields = [...fieldsOf(inputOf(endpoint)), 'nonce', 'signature']
      await fc.assert(
        fc.asyncProperty(mutations(fields), shape, async (changes, how) => {
          let input = mutate(inputOf(endpoint), changes)
          if (how.isSigned) {
            const nonce = nextNonce()
            const signature = signMessage(messageOf(endpoint, input) + nonce, stack.consumer.key)
            signatures.push(signature)
            input = mutate(
              { ...input, nonce, signature },
              changes.filter(({ field }) => field === 'nonce' || field === 'signature'),
            )
          }
          await assertHarmless(carry(method, path, input, how))
        }),
        { ...RUNS, numRuns: 150 },
      )
      await assertAlive()
    },
  )

  it('anywhere, is answered without a crash, a stack or a secret', async () => {
    const paths = Object.values(PROVIDER_ENDPOINTS).map(([, path]) => path)
    await fc.assert(
      fc.asyncProperty(anyRequest([...paths, '/', '/healthz', '/readyz', '/metrics', '/spec']), assertHarmless),
      { ...RUNS, numRuns: 600 },
    )
    await assertAlive()
  })

  it('behaviour: a sensible request is answered as before', async () => {
    const nonce = nextNonce()
    const signature = signMessage(messageOf('computeStart', inputOf('computeStart')) + nonce, stack.consumer.key)
    const input = { ...inputOf('computeStart'), nonce, signature }
    const how: Shape = { carrier: 'json', headers: {}, contentType: 'application/json', isSigned: true }
    const answer = await sendHostile(stack.url, carry('POST', PROVIDER_ENDPOINTS.computeStart[1], input, how))
    expect(answer).toMatchObject({ status: 200 })
  })
})
