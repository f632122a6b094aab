import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { eciesEncrypt, sha256Hex, signMessage } from '@c2d/chain'
import { ask, nextNonce, send, type Answer } from './support/api.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { openReferenceHouse, type ReferenceHouse } from './support/reference-house.ts'
import { PROVIDER_KEY } from './support/stack.ts'

const CID = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG'
const ARWEAVE_ID = 'a4qJoQZa1poIv5guEzkfgZYSAD0uYm7Vw4zm_tCswVQ'

jest.setTimeout(300_000)

let house: ReferenceHouse
beforeAll(async () => {
  house = await openReferenceHouse()
})
afterAll(() => house.close())

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
    const asset = await house.publish({
      files: [{ ...file, ...('query' in file ? { url: `${house.originUrl}/graphql` } : {}) }],
    })
    expect((await house.initialize(asset, { fileIndex: '0' })).json).toHaveProperty('datatoken')
    const answer = await house.download(asset, await house.order(asset), more)
    expect([answer.status, answer.text]).toEqual([200, content])
    expect(answer.headers.get('content-disposition')).not.toContain('?')
  })

  it('fileinfo: arweave, good, bad and without its id', async () => {
    const inform = (file: object): Promise<Answer> => send(house.stack, 'POST', '/api/services/fileinfo', file)
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
    address: house.stack.chain.addresses.Ocean,
    chainId: 8996,
    abi: { type: 'function', name, inputs, outputs: [{ name: '', type: 'uint256' }], stateMutability },
  })
  const balance = () => view('balanceOf', [{ name: 'account', type: 'address' }])
  const inform = (file: object): Promise<Answer> => send(house.stack, 'POST', '/api/services/fileinfo', file)

  it('fileinfo: a view function, and one with parameters', async () => {
    expect((await inform(view('decimals', []))).json).toMatchObject([{ type: 'smartcontract', valid: true }])
    expect((await inform(balance())).status).toBe(400)
    const userdata = { account: house.stack.consumer.address }
    expect((await inform({ ...balance(), userdata })).json).toMatchObject([{ valid: true }])
    expect((await inform(view('transfer', [], 'nonpayable'))).status).toBe(400)
  })

  it('download: view, with parameters in lower case, and pure', async () => {
    const asset = await house.publish({ files: [view('decimals', []), balance(), view('decimals', [], 'pure')] })
    const tx = await house.order(asset)
    const userdata = JSON.stringify({ account: house.stack.stranger.address.toLowerCase() })
    const answers = [
      await house.download(asset, tx),
      await house.download(asset, tx, { fileIndex: '1', userdata }),
      await house.download(asset, tx, { fileIndex: '2' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(answers[0]?.text).toContain('18')
    expect(answers[2]?.text).toBe(answers[0]?.text)
  })
})

describe('initialize', () => {
  it('a file that is not there', async () => {
    const answer = await house.initialize(await house.publish({ files: [house.url('/gone')] }), { fileIndex: '0' })
    expect([answer.status, answer.text]).toEqual([
      400,
      expect.stringContaining('Asset URL not found, not available or invalid.'),
    ])
  })

  it('a disabled asset, an unlisted one', async () => {
    const asset = await house.publish()
    await house.stack.publisher.setState(asset.nft, 4)
    expect((await house.initialize(asset)).json).toEqual({ error: 'Provider Ganache: Asset is not consumable.' })
    await house.stack.publisher.setState(asset.nft, 5)
    expect((await house.initialize(asset)).status).toBe(200)
  })

  it('an order that is still good, and a transaction that is none', async () => {
    const asset = await house.publish()
    const tx = await house.order(asset)
    expect((await house.initialize(asset, { transferTxId: tx })).json).toEqual({ validOrder: tx })
    expect((await house.initialize(asset, { transferTxId: asset.metadataTransaction })).json).toHaveProperty(
      'providerFee',
    )
  })
})

describe('download', () => {
  it('several files, nothing at all, credentials', async () => {
    const asset = await house.publish({ files: [house.url('/0'), house.url('/1'), house.url('/2')] })
    const tx = await house.order(asset)
    for (const fileIndex of ['0', '1', '2']) {
      expect((await house.download(asset, tx, { fileIndex })).text).toBe(`content of /${fileIndex}`)
    }
    expect((await ask(house.stack, 'GET', '/api/services/download')).status).toBe(400)
    const allowing = (address: string) => ({ allow: [{ type: 'address', values: [address] }] })
    const ours = await house.publish({ credentials: allowing(house.stack.consumer.address) })
    expect((await house.download(ours, await house.order(ours))).status).toBe(200)
    const theirs = await house.publish({ credentials: allowing(house.stack.stranger.address) })
    expect((await house.initialize(theirs)).text).toContain('ConsumableCodes.CREDENTIAL_NOT_IN_ALLOW_LIST')
    expect((await house.download(theirs, tx)).text).toContain('ConsumableCodes.CREDENTIAL_NOT_IN_ALLOW_LIST')
  })

  it('timeouts: none, a second, an hour', async () => {
    const ordered: [PublishedAsset, string][] = []
    for (const timeout of [0, 1, 3_600]) {
      const asset = await house.publish({ timeout })
      ordered.push([asset, await house.order(asset)])
    }
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    const answers: Answer[] = []
    for (const [asset, tx] of ordered) answers.push(await house.download(asset, tx))
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
    const { nft } = await house.stack.publisher.createNft()
    const hash = `0x${sha256Hex(TEXT)}`
    const transactionId = await house.stack.publisher.setMetadata(nft, { flags, data: bytes(), hash })
    const { address: decrypterAddress, key } = house.stack.consumer
    const decrypt = (more: Record<string, unknown>, signed: string): Promise<Answer> => {
      const nonce = nextNonce()
      const signature = signMessage(`${signed}${decrypterAddress}8996${nonce}`, key)
      const body = { decrypterAddress, chainId: 8996, dataNftAddress: nft, nonce, signature, ...more }
      return send(house.stack, 'POST', '/api/services/decrypt', body)
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
    expect((await ask(house.stack, 'HEAD', '/api/services/decrypt')).status).toBe(405)
  })
})
