import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { didSuffix } from '@c2d/contracts'
import { describe, expect, it } from '@jest/globals'
import { stage, start, world } from './support/hostile-origins.ts'
import { serveContent } from './support/range-origin.ts'
import { DATA, stageOf } from './support/staging-world.ts'

describe('names from outside', () => {
  it.each([
    [`did:op:${'x'.repeat(256)}`, 'is too long for a folder'],
    [`did:op:${'é'.repeat(128)}`, 'is too long in bytes'],
    ['did:op:a/../../b', 'leads elsewhere'],
    ['did:op:a\\..\\b', 'leads elsewhere elsewhere'],
    ['did:op:a\0b', 'ends early'],
    ['did:op:a\nb', 'forges a line of the log'],
    ['did:op:manifest.json', 'is a file of ours'],
    ['did:op:algoCustomData.json', 'is a file of ours too'],
    ['did:op:.partial', 'is a folder of ours'],
  ])('error: an id %j (%s) is refused, of a dataset and of an algorithm', async (id, _why) => {
    const origin = await start(serveContent(Buffer.from('x')))
    const allow = [origin.authority]
    const options = { allow, metadataUri: origin.base }
    expect(await world.run(stageOf({ [id]: `${origin.base}/x` }), options)).toMatchObject({ status: 31 })
    const algorithm = { ...stageOf({}).algorithm, id, rawcode: '', url: `${origin.base}/x` }
    expect(await world.run(stageOf({}, { algorithm }), options)).toMatchObject({ status: 32 })
    expect(origin.asked).toEqual([])
    expect((await readdir(world.root)).sort()).toEqual(['ddos', 'inputs', 'logs', 'outputs', 'transformations'])
  })

  it('behaviour: an id of 255 bytes has a folder', async () => {
    const origin = await start(serveContent(Buffer.from('x')))
    const id = `did:op:${'x'.repeat(255)}`
    expect(await world.run(stageOf({ [id]: `${origin.base}/x` }), { allow: [origin.authority] })).toMatchObject({
      status: 30,
    })
    expect(await readdir(join(world.root, 'inputs', 'x'.repeat(255)))).toEqual(['0'])
  })

  it.each([
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ["attachment; filename*=UTF-8''%E2%82%AC%2F..%2Frates.csv", 'rates.csv'],
    [`attachment; filename="${'n'.repeat(400)}"`, 'n'.repeat(255)],
    [undefined, 'file'],
  ])('behaviour: a name %s is told in the manifest alone', async (disposition, name) => {
    const origin = await start((_request, response) => {
      response.writeHead(200, disposition === undefined ? {} : { 'Content-Disposition': disposition }).end('x')
    })
    const result = await stage(origin)
    expect(result.files[0]).toMatchObject({ name, path: `inputs/${didSuffix(DATA)}/0` })
    expect(await readdir(join(world.root, 'inputs', didSuffix(DATA)))).toEqual(['0'])
  })
})
