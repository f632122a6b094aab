import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { addressOf, signMessage } from '@c2d/chain'
import { DOWNLOAD_TOKEN_HEADER, type JobStatusAnswer, type Quote } from '@c2d/contracts'
import { devWallet } from '@c2d/dev-servers'
import { createOperatorService } from '../../src/clients/operator-service.ts'
import { openOriginFetch } from '../../src/clients/origin-fetch.ts'
import { feeOf, nextNonce, query, send, start, type OrderedRun } from './support/api.ts'
import { startHttpStub, type HttpStub } from './support/http-stub.ts'
import { openOperatorHouse, type OperatorHouse } from './support/operator-house.ts'
import { startProviderApp, type ProviderApp } from './support/provider-app.ts'
import type { PublishedAsset } from './support/publish-asset.ts'
import { ENVIRONMENT_KEY, PROVIDER_KEY, startStack, type Stack } from './support/stack.ts'

const FOREIGN_KEY = devWallet(6).privateKey
const DOWNLOAD = '/api/services/download'

/** Adds up the lengths of all files of all datasets. */
const ALGORITHM = `
const { readdirSync, readFileSync, writeFileSync } = require('node:fs')
const { INPUTS = '/data/inputs', OUTPUTS = '/data/outputs' } = process.env
let bytes = 0
for (const did of JSON.parse(process.env.DIDS))
  for (const file of readdirSync(INPUTS + '/' + did)) bytes += readFileSync(INPUTS + '/' + did + '/' + file).length
writeFileSync(OUTPUTS + '/bytes.txt', String(bytes))
`
const FILES = new Map([
  ['/main.csv', 'a'.repeat(7)],
  ['/first.csv', 'b'.repeat(20)],
  ['/second.csv', 'c'.repeat(300)],
  ['/other.csv', 'd'.repeat(4_000)],
  ['/algorithm.js', ALGORITHM],
])

describe('a job on datasets that another provider serves', () => {
  let files: HttpStub
  let house: OperatorHouse
  let stack: Stack
  let foreign: ProviderApp
  /** What the foreign provider was asked, query and all. */
  const asked: string[] = []
  let run: OrderedRun
  let extra: OrderedRun['dataset'][]

  beforeAll(async () => {
    files = await startHttpStub(({ path }, response) => {
      response.writeHead(FILES.has(path) ? 200 : 404, { 'Content-Type': 'text/plain' }).end(FILES.get(path))
    })
    const origins = openOriginFetch({ allowList: ['127.0.0.1'], timeoutMs: 5_000 })
    house = await openOperatorHouse()
    const operator = createOperatorService({ url: house.url, universalKey: PROVIDER_KEY, timeoutMs: 5_000 })
    stack = await startStack({}, { operator, fetch: origins })
    foreign = await startProviderApp(
      { key: FOREIGN_KEY, chain: stack.chain, cacheUrl: stack.cache.url, seen: asked },
      { operator: null, fetch: origins },
    )
    await house.startEngine([stack.url, foreign.url, stack.cache.url].map((url) => new URL(url).host))

    const abroad = { serviceEndpoint: foreign.url, filesKey: FOREIGN_KEY, serviceType: 'access' }
    const main = await stack.publish({
      serviceEndpoint: stack.url,
      files: [file('/main.csv')],
      compute: { publisherTrustedAlgorithms: ['*'] },
    })
    const one = await stack.publish({ ...abroad, files: [file('/first.csv'), file('/second.csv')] })
    const other = await stack.publish({ ...abroad, files: [file('/other.csv')] })
    const algorithm = await stack.publish({ ...abroad, type: 'algorithm', files: [file('/algorithm.js')] })
    ;({ run, extra } = await order([main, one, other], algorithm))
  })
  afterAll(async () => {
    await house.close()
    await foreign.close()
    await stack.close()
    await files.close()
  })

  const file = (path: string) => ({ type: 'url', url: files.url + path, method: 'GET' })
  const downloads = (): URLSearchParams[] =>
    asked.filter((url) => url.startsWith(DOWNLOAD)).map((url) => new URL(url, foreign.url).searchParams)
  const askForeign = (parameters: URLSearchParams): Promise<Response> =>
    fetch(`${foreign.url}${DOWNLOAD}?${parameters.toString()}`)
  let spares = 0
  /** A request as the engine signs it, which its pod did not need. */
  const spare = (of: URLSearchParams, nonce = String(Date.now() + ++spares)): URLSearchParams => {
    const signature = signMessage(`${of.get('documentId')}${nonce}`, ENVIRONMENT_KEY)
    return new URLSearchParams([...new Map([...of, ['nonce', nonce], ['signature', signature]])])
  }

  async function order(
    datasets: PublishedAsset[],
    algorithm: PublishedAsset,
  ): Promise<{ run: OrderedRun; extra: OrderedRun['dataset'][] }> {
    const name = ({ did, serviceId }: PublishedAsset) => ({ documentId: did, serviceId })
    const answer = await send(stack, 'POST', '/api/services/initializeCompute', {
      datasets: datasets.map(name),
      algorithm: name(algorithm),
      compute: { env: 'free', validUntil: Math.floor(Date.now() / 1000) + 600 },
      consumerAddress: stack.consumer.address,
    })
    expect([answer.status, answer.text.slice(0, 200)]).toEqual([200, expect.stringContaining('datasets')])
    const quotes = answer.json as { datasets: Quote[]; algorithm: Quote }
    const ordered: OrderedRun['dataset'][] = []
    for (const [index, asset] of [...datasets, algorithm].entries()) {
      const fee = feeOf([...quotes.datasets, quotes.algorithm][index])
      const consumer = stack.environmentAddress
      ordered.push({
        ...name(asset),
        transferTxId: await stack.consumer.startOrder(asset.datatoken, { consumer, fee }),
      })
    }
    const [dataset, ...more] = ordered
    const paid = more.pop()
    if (!dataset || !paid) throw new Error('nothing was ordered')
    return { run: { environment: 'free', dataset, algorithm: paid }, extra: more }
  }

  async function runJob(): Promise<JobStatusAnswer> {
    const started = await start(stack, run, { changes: { additionalDatasets: extra } })
    expect([started.status, started.text.slice(0, 300)]).toEqual([200, expect.stringContaining('jobId')])
    const jobId = (started.json as JobStatusAnswer[])[0]?.jobId ?? ''
    const { address: consumerAddress, key } = stack.consumer
    for (;;) {
      const nonce = nextNonce()
      const signature = signMessage(consumerAddress + jobId + nonce, key)
      const answer = await query(stack, 'GET', '/api/services/compute', { consumerAddress, jobId, nonce, signature })
      const [job] = answer.json as JobStatusAnswer[]
      if (job?.dateFinished) return job
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  it('gets every file, by requests that the environment signed and no token of ours', async () => {
    const job = await runJob()
    expect(job).toMatchObject({ status: 70, exitCode: 0 })
    const seen = downloads()
    expect(seen.map((one) => one.get('fileIndex')).sort()).toEqual(['0', '0', '0', '1'])
    expect(new Set(seen.map((one) => one.get('consumerAddress')))).toEqual(new Set([addressOf(ENVIRONMENT_KEY)]))
    const nonces = seen.map((one) => Number(one.get('nonce')))
    expect(nonces).toEqual(nonces.toSorted((a, b) => a - b))
    const index = (job.results || []).find(({ filename }) => filename === 'bytes.txt')?.index
    const nonce = nextNonce()
    const consumerAddress = stack.consumer.address
    const signature = signMessage(`${consumerAddress}${job.jobId}${index}${nonce}`, stack.consumer.key)
    const parameters = { consumerAddress, jobId: job.jobId, index: String(index), nonce, signature }
    expect((await query(stack, 'GET', '/api/services/computeResult', parameters)).text).toBe('4327')
  })

  it('behaviour: a second job of the same environment reads from there after it', async () => {
    expect(await runJob()).toMatchObject({ status: 70, exitCode: 0 })
  })

  it('error: a request that was used is of no use any more, for its file or another', async () => {
    for (const used of downloads()) {
      expect((await askForeign(used)).status).toBe(400)
      used.set('fileIndex', used.get('fileIndex') === '0' ? '1' : '0')
      expect((await askForeign(used)).status).toBe(400)
    }
  })

  it('error: a spare one fetches nothing of another asset, nor by an order of somebody else', async () => {
    const [first, ...others] = downloads()
    const another = others.find((one) => one.get('documentId') !== first?.get('documentId'))
    if (!first || !another) throw new Error('there was no download')
    const unused = spare(first)
    unused.set('documentId', another.get('documentId') ?? '')
    unused.set('transferTxId', another.get('transferTxId') ?? '')
    expect((await askForeign(unused)).status).toBe(400)
    const elsewhere = spare(first)
    elsewhere.set('transferTxId', another.get('transferTxId') ?? '')
    expect((await askForeign(elsewhere)).status).toBe(400)
  })

  it('behaviour: a spare one fetches any file of its asset, since that is all the protocol signs', async () => {
    const two = downloads().find((one) => one.get('fileIndex') === '1')
    if (!two) throw new Error('there was no download of two files')
    const stolen = spare(two)
    stolen.set('fileIndex', '0')
    const answer = await askForeign(stolen)
    expect([answer.status, await answer.text()]).toEqual([200, FILES.get('/first.csv')])
    expect((await askForeign(stolen)).status).toBe(400)
  })

  it('error: a spare one ends when later requests have gone by', async () => {
    const [first] = downloads()
    if (!first) throw new Error('there was no download')
    const stolen = spare(first)
    const later = spare(first, String(Date.now() + 3_600_000))
    expect((await askForeign(later)).status).toBe(200)
    expect((await askForeign(stolen)).status).toBe(400)
  })

  it('error: a token for a job is no ticket at another provider', async () => {
    const [first] = downloads()
    for (const name of ['nonce', 'signature']) first?.delete(name)
    const answer = await fetch(`${foreign.url}${DOWNLOAD}?${first?.toString()}`, {
      headers: { [DOWNLOAD_TOKEN_HEADER]: 'bm9uZQ.bm9uZQ' },
    })
    expect(answer.status).toBeGreaterThanOrEqual(400)
  })
})
