import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { eciesEncrypt, sha256Hex, signMessage } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import { openOriginFetch } from '../../src/clients/origin-fetch.ts'
import { ask, feeOf, nextNonce, orderRun, query, send, start, type Answer, type OrderedRun } from './support/api.ts'
import { startHttpStub, type HttpStub } from './support/http-stub.ts'
import { CONTAINER, publishAsset, type AssetChoices, type PublishedAsset } from './support/publish-asset.ts'
import { PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

const CID = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG'
const ARWEAVE_ID = 'a4qJoQZa1poIv5guEzkfgZYSAD0uYm7Vw4zm_tCswVQ'
const UNKNOWN_DID = `did:op:${'0'.repeat(64)}`

jest.setTimeout(300_000)

let origin: HttpStub
let stack: Stack

beforeAll(async () => {
  origin = await startHttpStub(({ path, body }, response) => {
    if (path === '/graphql') response.setHeader('Content-Type', 'application/json').end(`{"data":{"asked":${body}}}`)
    else if (path === '/gone' || path.includes('b4qJ')) response.writeHead(404).end()
    else response.setHeader('Content-Type', 'text/plain').end(`content of ${path}`)
  })
  const fetch = openOriginFetch({ allowList: [origin.host], timeoutMs: 5_000 })
  stack = await startStack({ gateways: { ipfs: origin.url, arweave: origin.url } }, { fetch })
})
afterAll(async () => {
  await stack.close()
  await origin.close()
})

const url = (path: string) => ({ type: 'url', url: origin.url + path, method: 'GET' })
const publish = (choices: Partial<AssetChoices> = {}): Promise<PublishedAsset> =>
  stack.publish({ serviceType: 'access', files: [url('/data.txt')], ...choices })
const initialize = (asset: PublishedAsset, more: Record<string, string> = {}): Promise<Answer> =>
  query(stack, 'GET', '/api/services/initialize', {
    documentId: asset.did,
    serviceId: asset.serviceId,
    consumerAddress: stack.consumer.address,
    ...more,
  })
const order = async (asset: PublishedAsset): Promise<string> => {
  const fee = feeOf((await initialize(asset)).json as Quote)
  return stack.consumer.startOrder(asset.datatoken, { consumer: stack.consumer.address, fee })
}
const download = (asset: PublishedAsset, tx: string, more: Record<string, string> = {}): Promise<Answer> => {
  const nonce = nextNonce()
  return query(stack, 'GET', '/api/services/download', {
    documentId: asset.did,
    serviceId: asset.serviceId,
    consumerAddress: stack.consumer.address,
    transferTxId: tx,
    fileIndex: '0',
    nonce,
    signature: signMessage(asset.did + nonce, stack.consumer.key),
    ...more,
  })
}

describe('files of other types', () => {
  it.each<[string, object, Record<string, string>, string]>([
    ['ipfs', { type: 'ipfs', hash: CID }, {}, `content of /ipfs/${CID}`],
    ['arweave', { type: 'arweave', transactionId: ARWEAVE_ID }, {}, `content of /${ARWEAVE_ID}`],
    ['graphql', { type: 'graphql', query: '{a}' }, {}, '{"data":{"asked":{"query":"{a}"}}}'],
    [
      'graphql with user data',
      { type: 'graphql', query: 'query($b:Int){a}' },
      { userdata: '{"b":1}' },
      '{"data":{"asked":{"query":"query($b:Int){a}","variables":{"b":1}}}}',
    ],
  ])('download: %s', async (_what, file, more, content) => {
    const asset = await publish({ files: [{ ...file, ...('query' in file ? { url: `${origin.url}/graphql` } : {}) }] })
    expect((await initialize(asset, { fileIndex: '0' })).json).toHaveProperty('datatoken')
    const answer = await download(asset, await order(asset), more)
    expect([answer.status, answer.text]).toEqual([200, content])
    expect(answer.headers.get('content-disposition')).not.toContain('?')
  })

  it('fileinfo: arweave, good, bad and without its id', async () => {
    const inform = (file: object): Promise<Answer> => send(stack, 'POST', '/api/services/fileinfo', file)
    expect((await inform({ type: 'arweave', transactionId: ARWEAVE_ID })).json).toMatchObject([{ valid: true }])
    const bad = { type: 'arweave', transactionId: ARWEAVE_ID.replace('a4', 'b4') }
    expect((await inform(bad)).json).toMatchObject([{ valid: false }])
    expect((await inform({ type: 'arweave' })).json).toMatchObject({
      errors: { transactionId: ['The transactionId field is required when type is arweave.'] },
    })
    expect((await inform({ type: 'ipfs' })).json).toMatchObject({
      errors: { hash: ['The hash field is required when type is ipfs.'] },
    })
    expect((await inform({ type: 'url' })).status).toBe(400)
  })
})

describe('files that a contract answers', () => {
  const view = (name: string, inputs: object[], stateMutability = 'view') => ({
    type: 'smartcontract',
    address: stack.chain.addresses.Ocean,
    chainId: 8996,
    abi: { type: 'function', name, inputs, outputs: [{ name: '', type: 'uint256' }], stateMutability },
  })
  const balance = () => view('balanceOf', [{ name: 'account', type: 'address' }])
  const inform = (file: object): Promise<Answer> => send(stack, 'POST', '/api/services/fileinfo', file)

  it('fileinfo: a view function, and one with parameters', async () => {
    expect((await inform(view('decimals', []))).json).toMatchObject([{ type: 'smartcontract', valid: true }])
    expect((await inform(balance())).status).toBe(400)
    const userdata = { account: stack.consumer.address }
    expect((await inform({ ...balance(), userdata })).json).toMatchObject([{ valid: true }])
    expect((await inform(view('transfer', [], 'nonpayable'))).status).toBe(400)
  })

  it('download: view, with parameters in lower case, and pure', async () => {
    const asset = await publish({ files: [view('decimals', []), balance(), view('decimals', [], 'pure')] })
    const tx = await order(asset)
    const userdata = JSON.stringify({ account: stack.stranger.address.toLowerCase() })
    const answers = [
      await download(asset, tx),
      await download(asset, tx, { fileIndex: '1', userdata }),
      await download(asset, tx, { fileIndex: '2' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(answers[0]?.text).toContain('18')
    expect(answers[2]?.text).toBe(answers[0]?.text)
  })
})

describe('initialize', () => {
  it('a file that is not there', async () => {
    const answer = await initialize(await publish({ files: [url('/gone')] }), { fileIndex: '0' })
    expect([answer.status, answer.text]).toEqual([
      400,
      expect.stringContaining('Asset URL not found, not available or invalid.'),
    ])
  })

  it('a disabled asset, an unlisted one', async () => {
    const asset = await publish()
    await stack.publisher.setState(asset.nft, 4)
    expect((await initialize(asset)).json).toEqual({ error: 'Provider Ganache: Asset is not consumable.' })
    await stack.publisher.setState(asset.nft, 5)
    expect((await initialize(asset)).status).toBe(200)
  })

  it('an order that is still good, and a transaction that is none', async () => {
    const asset = await publish()
    const tx = await order(asset)
    expect((await initialize(asset, { transferTxId: tx })).json).toEqual({ validOrder: tx })
    expect((await initialize(asset, { transferTxId: asset.metadataTransaction })).json).toHaveProperty('providerFee')
  })
})

describe('download', () => {
  it('several files, nothing at all, credentials', async () => {
    const asset = await publish({ files: [url('/0'), url('/1'), url('/2')] })
    const tx = await order(asset)
    for (const fileIndex of ['0', '1', '2']) {
      expect((await download(asset, tx, { fileIndex })).text).toBe(`content of /${fileIndex}`)
    }
    expect((await ask(stack, 'GET', '/api/services/download')).status).toBe(400)
    const allowing = (address: string) => ({ allow: [{ type: 'address', values: [address] }] })
    const ours = await publish({ credentials: allowing(stack.consumer.address) })
    expect((await download(ours, await order(ours))).status).toBe(200)
    const theirs = await publish({ credentials: allowing(stack.stranger.address) })
    expect((await initialize(theirs)).text).toContain('ConsumableCodes.CREDENTIAL_NOT_IN_ALLOW_LIST')
    expect((await download(theirs, tx)).text).toContain('ConsumableCodes.CREDENTIAL_NOT_IN_ALLOW_LIST')
  })

  it('timeouts: none, a second, an hour', async () => {
    const ordered: [PublishedAsset, string][] = []
    for (const timeout of [0, 1, 3_600]) {
      const asset = await publish({ timeout })
      ordered.push([asset, await order(asset)])
    }
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    const answers: Answer[] = []
    for (const [asset, tx] of ordered) answers.push(await download(asset, tx))
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200])
    expect(answers[1]?.text).toContain('The order has expired.')
  })
})

describe('decrypt', () => {
  const TEXT = Buffer.from('{"name":"a document"}')
  const XZ = Buffer.from(
    'fd377a585a000004e6d6b4460200210116000000742fe5a30100147b226e616d65223a226120646f63756d656e74227d000000009d69d6339b96af6900012d152f0b716d1fb6f37d010000000004595a',
    'hex',
  )
  const encrypted = (bytes: Uint8Array): Buffer => Buffer.from(eciesEncrypt(PROVIDER_KEY, bytes))

  it.each<[string, number, () => Buffer]>([
    ['plain', 0, () => TEXT],
    ['compressed', 1, () => XZ],
    ['encrypted', 2, () => encrypted(TEXT)],
    ['compressed and encrypted', 3, () => encrypted(XZ)],
  ])('%s, by transaction and by arguments', async (_what, flags, bytes) => {
    const { nft } = await stack.publisher.createNft()
    const hash = `0x${sha256Hex(TEXT)}`
    const transactionId = await stack.publisher.setMetadata(nft, { flags, data: bytes(), hash })
    const { address: decrypterAddress, key } = stack.consumer
    const decrypt = (more: Record<string, unknown>, signed: string): Promise<Answer> => {
      const nonce = nextNonce()
      const signature = signMessage(`${signed}${decrypterAddress}8996${nonce}`, key)
      const body = { decrypterAddress, chainId: 8996, dataNftAddress: nft, nonce, signature, ...more }
      return send(stack, 'POST', '/api/services/decrypt', body)
    }
    const encryptedDocument = `0x${bytes().toString('hex')}`
    for (const answer of [
      await decrypt({ transactionId }, transactionId),
      await decrypt({ encryptedDocument, flags, documentHash: hash }, nft),
    ]) {
      expect([answer.status, answer.text]).toEqual([201, TEXT.toString()])
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain/)
    }
  })

  it('other methods', async () => {
    expect((await ask(stack, 'HEAD', '/api/services/decrypt')).status).toBe(405)
  })
})

describe('the start of a job', () => {
  let dataset: PublishedAsset
  let algorithm: PublishedAsset
  let extra: PublishedAsset
  let run: OrderedRun

  beforeAll(async () => {
    algorithm = await publish({ type: 'algorithm', files: [url('/algo.js')] })
    const compute = { allowRawAlgorithm: true, publisherTrustedAlgorithms: ['*' as const] }
    dataset = await publish({ serviceType: 'compute', compute })
    extra = await publish()
    run = await orderRun(stack, { dataset, algorithm })
  })

  const named = (asset: PublishedAsset, tx = '0x00') => ({
    documentId: asset.did,
    serviceId: asset.serviceId,
    transferTxId: tx,
  })
  const refusal = async (changes: Record<string, unknown>): Promise<unknown> => {
    const answer = await start(stack, run, { changes })
    return answer.status === 200 ? 200 : [answer.status, (answer.json as { error?: unknown }).error ?? answer.json]
  }

  it.each<[string, () => Record<string, unknown>, unknown]>([
    ['as it should be', () => ({}), 200],
    ['additional datasets that are empty', () => ({ additionalDatasets: '' }), 200],
    [
      'additional datasets that are no list',
      () => ({ additionalDatasets: 'x' }),
      [400, { additional_input: 'invalid' }],
    ],
    [
      'an additional dataset without a DID',
      () => ({ additionalDatasets: [{ serviceId: 'a', transferTxId: '0x00' }] }),
      [400, { 'datasets[1].documentId': 'missing' }],
    ],
    [
      'an additional dataset nobody published',
      () => ({ additionalDatasets: [{ ...named(extra), documentId: UNKNOWN_DID }] }),
      [400, { 'datasets[1].documentId': 'did_not_found' }],
    ],
    [
      'an additional dataset without that service',
      () => ({ additionalDatasets: [{ ...named(extra), serviceId: 'nope' }] }),
      [400, { 'datasets[1].serviceId': 'not_found' }],
    ],
    [
      'an algorithm that is none',
      () => ({ algorithm: named(extra, run.algorithm.transferTxId) }),
      [400, { algorithm: 'not_algo' }],
    ],
    [
      'an algorithm nobody published',
      () => ({ algorithm: { ...run.algorithm, documentId: UNKNOWN_DID } }),
      [400, { algorithm: 'did_not_found' }],
    ],
    [
      'an order that is not the algorithm’s',
      () => ({ algorithm: { ...run.algorithm, transferTxId: run.dataset.transferTxId } }),
      [400, { algorithm: 'in_use_or_not_on_chain' }],
    ],
    [
      'raw code without a container',
      () => ({ algorithm: { meta: { rawcode: 'x' } } }),
      [400, { 'algorithm.container': 'missing_entrypoint_image_checksum' }],
    ],
    [
      'raw code without an image',
      () => ({ algorithm: { meta: { rawcode: 'x', container: { ...CONTAINER, image: '' } } } }),
      [400, { 'algorithm.container': 'missing_entrypoint_image_checksum' }],
    ],
    [
      'raw code in a container that is not pinned',
      () => ({ algorithm: { meta: { rawcode: 'x', container: { ...CONTAINER, checksum: 'latest' } } } }),
      [400, { 'algorithm.container': 'checksum_prefix' }],
    ],
    [
      'a meta that says nothing',
      () => ({ algorithm: { meta: { language: 'js', container: CONTAINER } } }),
      [400, { algorithm: 'meta_oneof_url_rawcode_remote' }],
    ],
    ['an output that is no JSON', () => ({ output: 'not json' }), [400, { output: 'invalid' }]],
  ])('%s', async (_what, changes, answered) => {
    expect(await refusal(changes())).toEqual(answered)
  })

  it('a dataset whose files another provider keeps', async () => {
    const choices: AssetChoices = { files: [url('/x')], compute: { publisherTrustedAlgorithms: ['*'] } }
    const foreign = await publishAsset(choices, { ...stack, providerKey: stack.stranger.key })
    expect((await start(stack, { ...run, dataset: named(foreign) })).json).toEqual({
      error: { 'dataset.serviceId': 'compute_services_not_in_same_provider' },
    })
  })

  it('a main dataset that is an access', async () => {
    const tx = await order(extra)
    const answer = await start(stack, { ...run, dataset: named(extra, tx) })
    expect(answer.json).toEqual({ error: { 'dataset.serviceId': 'main_service_compute' } })
  })

  it('an access beside it', async () => {
    const quotes = await send(stack, 'POST', '/api/services/initializeCompute', {
      datasets: [named(dataset, run.dataset.transferTxId), { documentId: extra.did, serviceId: extra.serviceId }],
      algorithm: run.algorithm,
      compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 300 },
      consumerAddress: stack.consumer.address,
    })
    const fee = feeOf((quotes.json as { datasets: Quote[] }).datasets[1])
    const tx = await stack.consumer.startOrder(extra.datatoken, { consumer: stack.environmentAddress, fee })
    expect(await refusal({ additionalDatasets: [named(extra, tx)] })).toBe(200)
  })

  it('an algorithm whose file is gone, or that is not for the caller', async () => {
    const gone = await publish({ type: 'algorithm', files: [url('/gone')] })
    const quotes = await send(stack, 'POST', '/api/services/initializeCompute', {
      datasets: [named(dataset)],
      algorithm: named(gone),
      compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 300 },
      consumerAddress: stack.consumer.address,
    })
    expect([quotes.status, quotes.json]).toEqual([400, { error: { algorithm: 'file_unavailable' } }])
    const deny = [{ type: 'address', values: [stack.consumer.address] }]
    const denied = await publish({ type: 'algorithm', credentials: { deny } })
    expect(await refusal({ algorithm: named(denied) })).toEqual([
      400,
      { 'algorithm.credentials': expect.stringContaining('CREDENTIAL_IN_DENY_LIST') },
    ])
  })
})

describe('without an operator', () => {
  it('there are no routes for jobs', async () => {
    const lone = await startStack({}, { operator: null })
    try {
      for (const [method, path] of [
        ['POST', 'compute'],
        ['GET', 'compute'],
        ['PUT', 'compute'],
        ['DELETE', 'compute'],
        ['GET', 'computeResult'],
        ['GET', 'computeEnvironments'],
      ] as const) {
        const answer = await ask(lone, method, `/api/services/${path}`)
        expect([path, answer.status, answer.text]).toEqual([path, 404, expect.stringContaining('404 Not Found')])
      }
    } finally {
      await lone.close()
    }
  })
})
