import { createHash } from 'node:crypto'
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { stagingManifestSchema, type Stage } from '@c2d/contracts'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { ProvisionResult } from '../../src/provision.ts'
import { startFakeProvider, type FakeProvider, type FakeService } from './support/fake-provider.ts'
import { ALGORITHM, createStagingWorld, DATA, MORE_DATA, TX, type StagingWorld } from './support/staging-world.ts'

const CODE = 'console.log(1)\n'
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

let world: StagingWorld
let root: string
let provider: FakeProvider
let log: string[]

beforeEach(async () => {
  world = await createStagingWorld()
  root = world.root
  log = world.log
})
afterEach(async () => {
  await provider.close()
  await world.end()
})

function stageAt(providerUrl: string): Stage {
  const remote = { txId: TX, serviceId: 'svc', serviceEndpoint: providerUrl }
  return {
    input: [{ index: 0, id: DATA, remote: { ...remote, userdata: { year: 1985, q: 'a&b#c' } } }],
    compute: {},
    algorithm: {
      id: ALGORITHM,
      rawcode: '',
      container: { entrypoint: 'node $ALGO', image: 'node', checksum: 'sha256:0' },
      remote,
      algocustomdata: { epochs: 5 },
    },
    output: {},
  }
}

async function run(
  services: Record<string, FakeService>,
  changes: (stage: Stage) => void = () => {},
  options: { allow?: boolean; tokens?: boolean } = {},
): Promise<ProvisionResult> {
  provider = await startFakeProvider(services)
  const stage = stageAt(provider.url)
  changes(stage)
  return world.run(stage, {
    allow: options.allow === false ? [] : [new URL(provider.url).host],
    metadataUri: provider.url,
    tokens: options.tokens ?? true,
  })
}

const GOOD = { [`${DATA}|svc`]: { files: ['a,b\n1,2\n', 'second'] }, [`${ALGORITHM}|svc`]: { files: [CODE] } }

describe('provision', () => {
  it('lays out every file as published algorithms expect it, with its hash', async () => {
    const outcome = await run(GOOD)
    expect(outcome).toMatchObject({ status: 30, reason: null })
    const folder = join(root, 'inputs', 'a'.repeat(64))
    expect((await readdir(folder)).sort()).toEqual(['0', '1'])
    expect(await readFile(join(folder, '0'), 'utf8')).toBe('a,b\n1,2\n')
    expect(await readFile(join(root, 'transformations/algorithm'), 'utf8')).toBe(CODE)
    expect((await stat(join(root, 'transformations/algorithm'))).mode & 0o777).toBe(0o777)
    expect((await stat(join(root, 'outputs'))).mode & 0o777).toBe(0o777)
    expect(JSON.parse(await readFile(join(root, 'inputs/algoCustomData.json'), 'utf8'))).toEqual({ epochs: 5 })
    expect(outcome.files.map(({ did, index, sha256: hash }) => [did, index, hash])).toEqual([
      [DATA, 0, sha256('a,b\n1,2\n')],
      [DATA, 1, sha256('second')],
      [ALGORITHM, 0, sha256(CODE)],
    ])
    const manifest = stagingManifestSchema.parse(JSON.parse(await readFile(join(root, 'inputs/manifest.json'), 'utf8')))
    expect(manifest.files).toEqual(outcome.files)
    expect(manifest.files[1]).toEqual({
      did: DATA,
      serviceId: 'svc',
      index: 1,
      path: `inputs/${'a'.repeat(64)}/1`,
      name: 'second.csv',
      contentType: 'application/octet-stream',
      sizeBytes: 6,
      sha256: sha256('second'),
    })
    expect((await readdir(root)).sort()).toEqual(['ddos', 'inputs', 'logs', 'outputs', 'transformations'])
    expect((await readdir(join(root, 'inputs'))).sort()).toEqual([
      'a'.repeat(64),
      'algoCustomData.json',
      'manifest.json',
    ])
    expect(await readdir(join(root, 'transformations'))).toEqual(['algorithm'])
  })

  it('behaviour: asks discovery once, sends the asset its own token, and encodes userdata whole', async () => {
    await run(GOOD)
    expect(provider.asked.filter((call) => call.path === '/')).toHaveLength(1)
    const downloads = provider.asked.filter((call) => call.path === '/api/services/download')
    expect(downloads.map((call) => call.token).sort()).toEqual([
      `token-of-${DATA}`,
      `token-of-${DATA}`,
      `token-of-${ALGORITHM}`,
    ])
    expect(
      JSON.parse(downloads.find((call) => call.query.get('documentId') === DATA)?.query.get('userdata') ?? ''),
    ).toEqual({ year: 1985, q: 'a&b#c' })
    expect(downloads[0]?.query.get('consumerAddress')).toBe('0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1')
  })

  it('error: a file that is cut in the middle fails the job and leaves no part of it behind', async () => {
    const outcome = await run({ ...GOOD, [`${DATA}|svc`]: { files: ['whole', 'x'.repeat(10_000)], cutFile: 1 } })
    expect(outcome).toMatchObject({ status: 31, reason: 'InputFetchFailed' })
    expect(await readdir(join(root, 'inputs', 'a'.repeat(64)))).toEqual(['0'])
  })

  it('error: the other datasets are tried too, the algorithm is not', async () => {
    const outcome = await run(
      {
        ...GOOD,
        [`${DATA}|svc`]: { files: ['x'], refusal: 'order expired' },
        [`${MORE_DATA}|svc`]: { files: ['more'] },
      },
      (stage) =>
        stage.input.push({ id: MORE_DATA, remote: { txId: TX, serviceId: 'svc', serviceEndpoint: provider.url } }),
    )
    expect(outcome).toMatchObject({ status: 31, reason: 'InputFetchFailed' })
    expect(outcome.message).toContain('order expired')
    expect(outcome.files.map((file) => file.did)).toEqual([MORE_DATA])
    expect(await readdir(join(root, 'transformations'))).toEqual([])
  })

  it('error: an algorithm with other bytes than were checked is refused', async () => {
    const outcome = await run(GOOD, (stage) => (stage.algorithm.checkedFiles = [sha256('something else')]))
    expect(outcome).toMatchObject({ status: 32, reason: 'AlgorithmRejected' })
    expect(await readdir(join(root, 'transformations'))).toEqual([])
  })

  it('behaviour: an algorithm with the bytes that were checked passes', async () => {
    expect(await run(GOOD, (stage) => (stage.algorithm.checkedFiles = [sha256(CODE)]))).toMatchObject({ status: 30 })
  })

  it('behaviour: the log, which the consumer gets, tells hashes of files, but where the owner wants them salted', async () => {
    const salted = await run(GOOD, (stage) => (stage.input[0]!.saltFileHashes = true))
    expect(salted.files.map((file) => file.sha256)).toContain(sha256('second'))
    expect(log.join('\n')).toMatch(/Downloaded file 1 of Dataset .*: 6 bytes\n/)
    expect(log.join('\n')).not.toContain(sha256('second'))
    expect(log.join('\n')).toContain(sha256(CODE))
  })

  it('behaviour: code in the request is written as it is, however short', async () => {
    const outcome = await run({ [`${DATA}|svc`]: { files: ['x'] } }, (stage) => {
      stage.algorithm = { id: '', rawcode: 'print(1)', container: stage.algorithm.container }
    })
    expect(outcome.status).toBe(30)
    expect(await readFile(join(root, 'transformations/algorithm'), 'utf8')).toBe('print(1)')
    await expect(stat(join(root, 'inputs/algoCustomData.json'))).rejects.toThrow('ENOENT')
  })

  it('behaviour: a plain address goes before an order, as old workflows have it', async () => {
    const outcome = await run(GOOD, (stage) => {
      stage.input[0]!.url = [`${provider.url}/api/services/download?documentId=${DATA}&serviceId=svc&fileIndex=1`]
    })
    expect(outcome.status).toBe(30)
    expect(await readFile(join(root, 'inputs', 'a'.repeat(64), '0'), 'utf8')).toBe('second')
  })

  it.each([
    ['../../../etc', 'leads out of the inputs'],
    ['..', 'is a folder above'],
    ['did:op:../..', 'hides a path in a DID'],
    ['did:op:..', 'hides a folder above in a DID'],
    ['did:op:', 'is empty behind its prefix'],
    [undefined, 'is missing'],
  ])('error: an input id that %j (%s) is refused', async (id, _why) => {
    const outcome = await run(GOOD, (stage) => {
      if (id === undefined) delete stage.input[0]!.id
      else stage.input[0]!.id = id
    })
    expect(outcome).toMatchObject({ status: 31, message: 'An input of the workflow has no usable id.' })
    expect(await readdir(join(root, 'inputs'))).toEqual([])
  })

  it('error: an origin that is not public is not fetched unless the operator allows it', async () => {
    const outcome = await run(GOOD, undefined, { allow: false })
    expect(outcome).toMatchObject({ status: 31 })
    expect(outcome.message).toContain('not a public one')
    expect(provider.asked).toEqual([])
  })

  it('error: without a token nothing is asked of the provider, and no log line names an address or a token', async () => {
    const outcome = await run(GOOD, undefined, { tokens: false })
    expect(outcome).toMatchObject({ status: 31 })
    await provider.close()
    await run(GOOD)
    expect(log.join('\n')).not.toMatch(/http:|token-of/)
  })
})
