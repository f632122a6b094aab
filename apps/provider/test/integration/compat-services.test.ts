import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { signMessage } from '@c2d/chain'
import type { Quote } from '@c2d/contracts'
import { feeOf, nextNonce, orderRun, query, quote, send, start, type Answer } from './support/api.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { startStack, type Stack } from './support/stack.ts'

let stack: Stack

beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack.close())

const initialize = (asset: PublishedAsset, serviceId = asset.serviceId): Promise<Answer> =>
  query(stack, 'GET', '/api/services/initialize', {
    documentId: asset.did,
    serviceId,
    consumerAddress: stack.consumer.address,
  })
const download = (asset: PublishedAsset, transferTxId: string, serviceId = asset.serviceId): Promise<Answer> => {
  const nonce = nextNonce()
  const signature = signMessage(asset.did + nonce, stack.consumer.key)
  const consumerAddress = stack.consumer.address
  const parameters = { documentId: asset.did, serviceId, consumerAddress, transferTxId, fileIndex: '0' }
  return query(stack, 'GET', '/api/services/download', { ...parameters, nonce, signature })
}

describe('one transaction with several orders', () => {
  it('serves each of its services, two of one asset among them, and no other', async () => {
    const file = (path: string) => stack.origin.offer(path, `content of ${path}`)
    const first = await stack.publish({
      serviceType: 'access',
      files: [file('/first')],
      accesses: [
        { id: 'second-service', file: file('/second') },
        { id: 'not-ordered', file: file('/not-ordered') },
      ],
    })
    const other = await stack.publish({ serviceType: 'access', files: [file('/other')] })
    const wanted = [
      { asset: first, serviceId: first.serviceId, serviceIndex: 0, content: 'content of /first' },
      { asset: first, serviceId: 'second-service', serviceIndex: 1, content: 'content of /second' },
      { asset: other, serviceId: other.serviceId, serviceIndex: 0, content: 'content of /other' },
    ]
    const orders = []
    for (const { asset, serviceId, serviceIndex } of wanted) {
      const fee = feeOf((await initialize(asset, serviceId)).json as Quote)
      orders.push({ datatoken: asset.datatoken, consumer: stack.consumer.address, serviceIndex, fee })
    }
    const tx = await stack.consumer.startBundle(orders)
    for (const { asset, serviceId, content } of wanted) {
      const answer = await download(asset, tx, serviceId)
      expect([serviceId, answer.status, answer.text]).toEqual([serviceId, 200, content])
    }
    expect((await download(first, tx, 'not-ordered')).status).toBe(400)
  })
})

describe('datatokens of both templates', () => {
  it.each([
    ['the plain one', 1],
    ['Enterprise', 2],
  ] as const)('%s: an access is ordered, downloaded and still good; a job starts on it', async (_title, template) => {
    const files = [stack.origin.offer(`/template-${template}`, 'content')]
    const asset = await stack.publish({ template, serviceType: 'access', files })
    const order = { consumer: stack.consumer.address, fee: feeOf((await initialize(asset)).json as Quote) }
    const tx = await stack.consumer.startOrder(asset.datatoken, order)
    const answer = await download(asset, tx)
    expect([answer.status, answer.text]).toEqual([200, 'content'])
    const algorithm = await stack.publish({ template, type: 'algorithm', serviceType: 'access', files })
    const dataset = await stack.publish({ template, files, compute: { publisherTrustedAlgorithms: ['*'] } })
    expect((await start(stack, await orderRun(stack, { dataset, algorithm }))).status).toBe(200)
  })
})

describe('services of a third type', () => {
  it('error: are no input of a job, neither first nor beside another, and no download', async () => {
    const compute = { publisherTrustedAlgorithms: ['*' as const] }
    const files = [stack.origin.offer('/data', 'x')]
    const algorithm = await stack.publish({ type: 'algorithm', serviceType: 'access', files })
    const dataset = await stack.publish({ files, compute })
    const third = await stack.publish({ serviceType: 'wss', files })
    const run = await orderRun(stack, { dataset, algorithm })
    const named = { documentId: third.did, serviceId: third.serviceId, transferTxId: run.dataset.transferTxId }
    const refusal = (resource: string) => [400, { error: { [`${resource}.serviceId`]: 'service_not_access_compute' } }]

    const main = await start(stack, { ...run, dataset: named })
    expect([main.status, main.json]).toEqual(refusal('dataset'))
    const beside = await start(stack, run, { changes: { additionalDatasets: [named] } })
    expect([beside.status, beside.json]).toEqual(refusal('datasets[1]'))
    const quoted = await quote(stack, { dataset: third, algorithm })
    expect([quoted.status, quoted.json]).toEqual(refusal('dataset'))
    expect((await download(third, run.dataset.transferTxId)).json).toEqual({
      error: `Provider Ganache: Service with index=${third.serviceId} is not an access service.`,
    })
  })
})

describe('lists of files', () => {
  const file = () => stack.origin.offer('/listed', 'listed')
  const inform = async (choices: { fileList?: (datatoken: string, nft: string) => unknown; version?: string }) => {
    const asset = await stack.publish({ serviceType: 'access', files: [file()], ...choices })
    return send(stack, 'POST', '/api/services/fileinfo', { did: asset.did, serviceId: asset.serviceId })
  }
  const NONE = [400, { error: 'Provider Ganache: Unable to get dataset files' }]
  const ELSEWHERE = `0x${'e'.repeat(40)}`

  it('are read in the present structure, whatever the casing of its addresses', async () => {
    const answer = await inform({
      fileList: (datatoken, nft) => ({
        datatokenAddress: datatoken.toLowerCase(),
        nftAddress: nft.toLowerCase(),
        files: [file()],
      }),
    })
    expect(answer.json).toMatchObject([{ index: 0, type: 'url', valid: true }])
  })

  it.each<[string, (datatoken: string, nft: string) => unknown]>([
    ['without a datatoken', (_datatoken, nftAddress) => ({ nftAddress, files: [file()] })],
    ['without an NFT', (datatokenAddress) => ({ datatokenAddress, files: [file()] })],
    [
      'of another datatoken',
      (_datatoken, nftAddress) => ({ datatokenAddress: ELSEWHERE, nftAddress, files: [file()] }),
    ],
    ['of another NFT', (datatokenAddress) => ({ datatokenAddress, nftAddress: ELSEWHERE, files: [file()] })],
    ['without files', (datatokenAddress, nftAddress) => ({ datatokenAddress, nftAddress })],
    ['whose files are no list', (datatokenAddress, nftAddress) => ({ datatokenAddress, nftAddress, files: file() })],
    ['of the old structure in a new document', () => [file()]],
  ])('error: %s, are none', async (_title, fileList) => {
    const answer = await inform({ fileList })
    expect([answer.status, answer.json]).toEqual(NONE)
  })

  it('are read in the old structure in an old document', async () => {
    const answer = await inform({ version: '4.0.0', fileList: () => [file(), file()] })
    expect(answer.json).toMatchObject([
      { index: 0, valid: true },
      { index: 1, valid: true },
    ])
  })

  it.each<[string, () => unknown]>([
    ['empty', () => []],
    ['an object', () => ({ ...file() })],
    ['of the new structure', () => ({ datatokenAddress: ELSEWHERE, nftAddress: ELSEWHERE, files: [file()] })],
  ])('error: an old document’s that is %s, is none', async (_title, fileList) => {
    const answer = await inform({ version: '4.0.0', fileList })
    expect([answer.status, answer.json]).toEqual(NONE)
  })
})
