import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stage } from '@c2d/contracts'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { startRangeOrigin, type RangeOrigin } from './support/range-origin.ts'
import {
  ALGORITHM,
  createStagingWorld,
  DATA,
  MORE_DATA,
  stageOf,
  TX,
  type StagingWorld,
} from './support/staging-world.ts'

/** Pods-behaviour §1.4 to §1.10, row by row, with an origin that is provider and metadata cache too. */
let world: StagingWorld
let origin: RangeOrigin
/** DIDs whose DDO exists, and the services it names with their endpoints. */
let ddos: Map<string, { id: string; serviceEndpoint: string }[]>
/** What fileinfo answers, by DID. */
let infos: Record<string, unknown>

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)]

beforeEach(async () => {
  world = await createStagingWorld()
  infos = {}
  origin = await startRangeOrigin((request, response) => {
    const url = new URL(request.url ?? '/', 'http://origin')
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    }
    const did = /^\/api\/aquarius\/assets\/ddo\/(.+)$/.exec(url.pathname)?.[1]
    if (did !== undefined) {
      const id = decodeURIComponent(did)
      const services = ddos.get(id)?.map((service) => ({
        ...service,
        type: 'compute',
        files: '0x',
        datatokenAddress: `0x${'1'.repeat(40)}`,
        timeout: 0,
      }))
      const ddo = {
        '@context': ['w3id'],
        id,
        version: '4.1.0',
        chainId: 8996,
        nftAddress: `0x${'2'.repeat(40)}`,
        services,
      }
      if (services) json(200, { ...ddo, metadata: { type: 'dataset', name: 'n' }, extra: [1, 2] })
      else json(404, {})
    } else if (url.pathname === '/') {
      json(200, {
        serviceEndpoints: { fileinfo: ['POST', '/api/services/fileinfo'], download: ['GET', '/api/services/download'] },
      })
    } else if (url.pathname.endsWith('/fileinfo')) {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const asked = (JSON.parse(body) as { did: string }).did
        const answer = infos[asked] ?? [{ index: 0, type: 'url', valid: true }]
        json(Array.isArray(answer) ? 200 : 400, answer)
      })
    } else if (url.pathname.endsWith('/download')) response.end(`file ${url.searchParams.get('fileIndex')}`)
    else response.end(url.pathname)
  })
  const service = [{ id: 'svc', serviceEndpoint: origin.base }]
  ddos = new Map([DATA, MORE_DATA, ALGORITHM].map((did) => [did, service]))
})
afterEach(async () => {
  await origin.close()
  await world.end()
})

const run = (stage: Stage) => world.run(stage, { allow: [origin.authority], metadataUri: origin.base })
const read = (path: string): Promise<string> => readFile(join(world.root, path), 'utf8')
const list = async (path: string): Promise<string[]> => (await readdir(join(world.root, path))).sort()
const isThere = (path: string): Promise<boolean> =>
  stat(join(world.root, path)).then(
    () => true,
    () => false,
  )
const remote = { txId: TX, serviceId: 'svc' }
const container = stageOf({}).algorithm.container
const questions = (path: string): string[] => origin.asked.map((one) => one.path).filter((one) => one.includes(path))

describe('the layout of a volume (§1.10)', () => {
  it('behaviour: of datasets and an algorithm with several files', async () => {
    infos = { [DATA]: [0, 1, 2].map((index) => ({ index, type: 'ipfs', valid: false })) }
    const stage = stageOf({}, { input: [{ id: DATA, remote }] })
    stage.algorithm = { id: ALGORITHM, container, url: [0, 1, 2].map((one) => `${origin.base}/code${one}`) }
    expect(await run(stage)).toMatchObject({ status: 30 })
    expect(await list('.')).toEqual(['ddos', 'inputs', 'logs', 'outputs', 'transformations'])
    expect(await list(`inputs/${A}`)).toEqual(['0', '1', '2'])
    expect(await list('transformations')).toEqual(['1', '2', 'algorithm'])
    expect(await read('transformations/algorithm')).toBe('/code0')
    expect(await read('transformations/2')).toBe('/code2')
    expect(await list('ddos')).toEqual([A, B])
  })

  it('behaviour: DDOs are kept whole and compact, of inputs and of the algorithm', async () => {
    const stage = stageOf({}, { input: [{ id: DATA, remote }] })
    stage.algorithm = { id: ALGORITHM, container, remote }
    await run(stage)
    const kept = await read(`ddos/${A}`)
    expect(kept).toBe(JSON.stringify(JSON.parse(kept)))
    expect(JSON.parse(kept)).toMatchObject({ id: DATA, extra: [1, 2] })
  })

  it.each([
    ['an object', { epochs: 5 }, '{"epochs":5}'],
    ['nothing', null, 'null'],
    ['a text, which is encoded twice', '{"a":1}', '"{\\"a\\":1}"'],
    ['a list', [1, 'two'], '[1,"two"]'],
  ])('behaviour: custom data that is %s', async (_what, algocustomdata, text) => {
    const stage = stageOf({})
    stage.algorithm = { ...stage.algorithm, algocustomdata }
    await run(stage)
    expect(await read('inputs/algoCustomData.json')).toBe(text)
  })

  it('behaviour: without the key there is no custom data', async () => {
    await run(stageOf({}))
    expect(await isThere('inputs/algoCustomData.json')).toBe(false)
  })

  it.each(['0', 'print("ünï")', 'x'.repeat(100_000)])(
    'behaviour: code of a request is the algorithm (%#)',
    async (rawcode) => {
      const stage = stageOf({})
      stage.algorithm = { id: '', rawcode, container }
      expect(await run(stage)).toMatchObject({ status: 30 })
      expect(await read('transformations/algorithm')).toBe(rawcode)
      expect(questions('/ddo/')).toEqual([])
    },
  )
})

describe('where an asset comes from (§1.5)', () => {
  it.each([
    ['a list of addresses', ['/x', '/y'], ['0', '1']],
    ['one address', '/x', ['0']],
  ])('behaviour: %s', async (_what, paths, names) => {
    const url = Array.isArray(paths) ? paths.map((path) => origin.base + path) : origin.base + paths
    expect(await run(stageOf({ [DATA]: url }))).toMatchObject({ status: 30 })
    expect(await list(`inputs/${A}`)).toEqual(names)
  })

  it('error: an address that is null wins over an order, and fails', async () => {
    const result = await run(stageOf({}, { input: [{ id: DATA, url: null, remote }] }))
    expect(result).toMatchObject({ status: 31, reason: 'InputFetchFailed' })
    expect(questions('/download')).toEqual([])
  })

  it('behaviour: the provider is the one of the DDO, not of the workflow', async () => {
    const stage = stageOf({}, { input: [{ id: DATA, remote: { ...remote, serviceEndpoint: 'http://192.0.2.1' } }] })
    expect(await run(stage)).toMatchObject({ status: 30 })
  })

  it('behaviour: where the DDO cannot be had, the workflow names the provider', async () => {
    ddos.delete(DATA)
    const stage = stageOf({}, { input: [{ id: DATA, remote: { ...remote, serviceEndpoint: origin.base } }] })
    expect(await run(stage)).toMatchObject({ status: 30 })
    expect(world.log.join('\n')).toContain('Failed to fetch the DDO')
  })

  it.each([
    ['no DDO and no provider', () => ddos.delete(DATA), 'its DDO could not be fetched'],
    ['a DDO without the service', () => ddos.set(DATA, [{ id: 'other', serviceEndpoint: 'x' }]), 'no such service'],
    ['a fileinfo that is an error', () => (infos[DATA] = { error: 'Cannot resolve DID' }), 'Cannot resolve DID'],
    ['a fileinfo that is empty', () => (infos[DATA] = []), 'lists no file'],
  ])('error: %s is a failure, never an empty success', async (_what, change, sentence) => {
    change()
    const result = await run(stageOf({}, { input: [{ id: DATA, remote }] }))
    expect(result).toMatchObject({ status: 31, reason: 'InputFetchFailed' })
    expect(result.message).toContain(sentence)
  })

  it('error: neither address nor order is a failure, never an empty success', async () => {
    expect(await run(stageOf({}, { input: [{ id: DATA }] }))).toMatchObject({ status: 31 })
  })

  it.each([
    [{ userdata: { a: 1 } }, { a: 1 }],
    [{ userData: { b: 2 } }, { b: 2 }],
    [{ algouserdata: { c: 3 }, userdata: { a: 1 } }, { c: 3 }],
    [{ userdata: { q: 'a&b#c=d?' } }, { q: 'a&b#c=d?' }],
    [{}, null],
  ])('behaviour: parameters %j reach the download', async (given, sent) => {
    await run(stageOf({}, { input: [{ id: DATA, remote: { ...remote, ...given } }] }))
    const query = new URL(questions('/download')[0] ?? '', 'http://origin').searchParams
    expect(JSON.parse(query.get('userdata') ?? 'null')).toEqual(sent)
    expect([...query.keys()].slice(0, 5)).toEqual([
      'fileIndex',
      'documentId',
      'transferTxId',
      'serviceId',
      'consumerAddress',
    ])
  })

  it('error: a checksum that the provider tells holds for what it sends', async () => {
    infos = { [DATA]: [{ index: 0, type: 'url', valid: true, checksum: '0'.repeat(64), checksumType: 'sha256' }] }
    const result = await run(stageOf({}, { input: [{ id: DATA, remote }] }))
    expect(result).toMatchObject({ status: 31, reason: 'InputRejected' })
    expect(await list(`inputs/${A}`)).toEqual([])
  })
})

describe('how it ends (§1.8)', () => {
  it('behaviour: no input at all is fine', async () => {
    expect(await run(stageOf({}))).toMatchObject({ status: 30, files: [] })
  })

  it('error: after a failed input the algorithm is not attempted', async () => {
    const stage = stageOf({ [DATA]: null, [MORE_DATA]: `${origin.base}/x` })
    stage.algorithm = { id: ALGORITHM, container, remote }
    expect(await run(stage)).toMatchObject({ status: 31 })
    expect(await list(`inputs/${'c'.repeat(64)}`)).toEqual(['0'])
    expect(await list('transformations')).toEqual([])
    expect(await isThere('inputs/manifest.json')).toBe(false)
    expect(world.log).toContain("Input fetch failed, so we don't need to download the algo")
  })

  it('error: an algorithm that is nowhere ends as 32', async () => {
    const stage = stageOf({ [DATA]: `${origin.base}/x` })
    stage.algorithm = { id: ALGORITHM, rawcode: '', container }
    expect(await run(stage)).toMatchObject({ status: 32, reason: 'AlgorithmFetchFailed' })
  })
})

describe('a service of another provider (DESIGN §4.6)', () => {
  const requests = [1, 2].map((nonce) => ({ nonce: String(nonce), signature: `0x${nonce}` }))
  const stage = (): Stage =>
    stageOf({}, { input: [{ id: DATA, remote: { ...remote, serviceEndpoint: origin.base, foreignFiles: 1 } }] })
  const downloads = { tokens: [], signed: [{ did: DATA, serviceId: 'svc', txId: TX, requests }] }
  const runForeign = (over: Partial<typeof downloads> = {}) =>
    world.run(stage(), { allow: [origin.authority], metadataUri: origin.base, downloads: { ...downloads, ...over } })

  it('behaviour: a file is asked for by a request signed in advance', async () => {
    expect(await runForeign()).toMatchObject({ status: 30 })
    const [asked] = questions('/download')
    expect(asked).toContain('nonce=1&signature=0x1')
  })

  it('behaviour: requests go where the checked document said, not where a metadata cache says', async () => {
    ddos.set(DATA, [{ id: 'svc', serviceEndpoint: `${origin.base}/thief` }])
    expect(await runForeign()).toMatchObject({ status: 30 })
    expect(questions('/thief')).toEqual([])
  })

  it('error: more files than were signed for', async () => {
    infos = { [DATA]: [0, 1, 2].map((index) => ({ index, type: 'url', valid: true })) }
    const outcome = await runForeign()
    expect(outcome).toMatchObject({ status: 31, reason: 'InputFetchFailed' })
    expect(outcome.message).toContain('no request that was signed')
  })
})
