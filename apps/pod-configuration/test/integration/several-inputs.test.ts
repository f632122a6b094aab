import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { didSuffix } from '@c2d/contracts'
import { describe, expect, it } from '@jest/globals'
import { stage, staged, start, world } from './support/hostile-origins.ts'
import { serveContent } from './support/range-origin.ts'
import { DATA, MORE_DATA, stageOf } from './support/staging-world.ts'

describe('several inputs', () => {
  it('behaviour: with one id share a folder, and the later one stands, whoever is faster', async () => {
    const origin = await start((request, response) => {
      setTimeout(() => response.end(`from ${request.url}`), request.url?.startsWith('/first') ? 60 : 0)
    })
    const inputs = ['/first', '/second'].map((path) => ({
      id: DATA,
      url: [0, 1].slice(path === '/second' ? 1 : 0).map((index) => `${origin.base}${path}${index}`),
    }))
    const result = await world.run({ ...stageOf({}), input: inputs }, { allow: [origin.authority] })
    expect(result.status).toBe(30)
    expect([(await staged(0)).toString(), (await staged(1)).toString()]).toEqual(['from /second1', 'from /first1'])
  })

  it('behaviour: arrive at the same time', async () => {
    const waiting: (() => void)[] = []
    const origin = await start((_request, response) => {
      // Nobody is served before all six are there.
      waiting.push(() => response.end('x'))
      if (waiting.length === 6) for (const serve of waiting) serve()
    })
    const urls = (name: string) => [1, 2, 3].map((one) => `${origin.base}/${name}${one}`)
    const result = await world.run(stageOf({ [DATA]: urls('a'), [MORE_DATA]: urls('b') }), {
      allow: [origin.authority],
    })
    expect(result.status).toBe(30)
    expect(result.files.map((file) => file.index)).toEqual([0, 1, 2, 0, 1, 2])
  })

  it('behaviour: what an earlier try left half done is gone', async () => {
    await mkdir(join(world.root, 'inputs', '.partial'), { recursive: true })
    await writeFile(join(world.root, 'inputs', '.partial', 'old'), 'half')
    const origin = await start(serveContent(Buffer.from('x')))
    expect(await stage(origin)).toMatchObject({ status: 30 })
    expect((await readdir(join(world.root, 'inputs'))).sort()).toEqual([didSuffix(DATA), 'manifest.json'])
  })
})
