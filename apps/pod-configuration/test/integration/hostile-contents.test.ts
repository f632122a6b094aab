import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { expectNothing, MIB, sha256, stage, start, world } from './support/hostile-origins.ts'
import { serveContent } from './support/range-origin.ts'
import { DATA, stageOf } from './support/staging-world.ts'

describe('room', () => {
  it('error: a file that is larger than the volume is refused before its bytes arrive', async () => {
    const origin = await start((_request, response) => {
      response.writeHead(200, { 'Content-Length': 5_000 * MIB })
      response.write(Buffer.alloc(1000))
    })
    const result = await stage(origin, { freeBytes: () => Promise.resolve(1_000 * MIB) })
    expect(result).toMatchObject({ status: 31, reason: 'InputTooLarge' })
    expect(result.message).toMatch(/not enough room/)
    expect(origin.asked).toHaveLength(1)
    await expectNothing()
  })

  it('error: an endless body ends at the limit of the job', async () => {
    const origin = await start((_request, response) => {
      response.writeHead(200)
      const chunk = Buffer.alloc(64 * 1024)
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    const result = await stage(origin, { settings: { maxBytes: 20 * MIB } })
    expect(result).toMatchObject({ status: 31, reason: 'InputTooLarge' })
    await expectNothing()
  })

  it('error: files that fit one by one, and not together, are refused', async () => {
    const origin = await start(serveContent(Buffer.alloc(6 * MIB)))
    const urls = [1, 2, 3, 4].map((one) => `${origin.base}/${one}`)
    const result = await world.run(stageOf({ [DATA]: urls }), {
      allow: [origin.authority],
      freeBytes: () => Promise.resolve(30 * MIB),
    })
    expect(result).toMatchObject({ status: 31, reason: 'InputTooLarge' })
  })

  it('error: more files than a job may have are refused before any is fetched', async () => {
    const origin = await start(serveContent(Buffer.from('x')))
    const urls = Array.from({ length: 11 }, (_, index) => `${origin.base}/${index}`)
    const result = await world.run(stageOf({ [DATA]: urls }), { allow: [origin.authority], settings: { maxFiles: 10 } })
    expect(result).toMatchObject({ status: 31, reason: 'InputTooLarge' })
    expect(origin.asked).toEqual([])
  })
})

describe('wrong bytes', () => {
  it('error: of an algorithm end as 32, of a dataset as 31', async () => {
    const origin = await start(serveContent(Buffer.from('not what was checked')))
    const checkedFiles = [sha256(Buffer.from('what was checked'))]
    const { algorithm } = stageOf({})
    const asAlgorithm = {
      ...stageOf({}),
      algorithm: { ...algorithm, rawcode: '', url: `${origin.base}/a`, checkedFiles },
    }
    const allow = [origin.authority]
    expect(await world.run(asAlgorithm, { allow })).toMatchObject({ status: 32, reason: 'AlgorithmRejected' })
    expect(await readdir(join(world.root, 'transformations'))).toEqual([])
    const asInput = { ...stageOf({}), input: [{ id: DATA, url: `${origin.base}/a`, checkedFiles }] }
    expect(await world.run(asInput, { allow })).toMatchObject({ status: 31, reason: 'InputRejected' })
    await expectNothing()
  })
})

describe('empty files', () => {
  it('behaviour: more of them than there are connections are all staged', async () => {
    const origin = await start((_request, response) => response.writeHead(200, { 'Content-Length': 0 }).end())
    const urls = Array.from({ length: 200 }, (_, index) => `${origin.base}/${index}`)
    const result = await world.run(stageOf({ [DATA]: urls }), {
      allow: [origin.authority],
      transfer: { idleTimeoutMs: 2_000 },
    })
    expect(result).toMatchObject({ status: 30 })
    expect(result.files).toHaveLength(200)
  })
})
