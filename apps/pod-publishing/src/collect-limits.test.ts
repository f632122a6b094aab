import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from '@jest/globals'
import type { StepPublish } from '@c2d/contracts'
import { collectFiles } from './collect.ts'
import { LIMITS, pathsOf, put, root } from './testing/volume.ts'

const collect = (over: Partial<StepPublish> = {}) => collectFiles(root, { ...LIMITS, ...over })

describe('names', () => {
  const raw = (name: Buffer) => Buffer.concat([Buffer.from(`${root}/outputs/`), name])

  it('behaviour: a name of 255 bytes is kept', async () => {
    const name = 'é'.repeat(127) + 'x'
    await put(`outputs/${name}`, 'long')
    expect(pathsOf((await collect()).files)).toEqual([`outputs/${name}`])
  })

  it('behaviour: bytes that are no text, and characters that deceive, are written so that everybody can', async () => {
    await mkdir(join(root, 'outputs'))
    for (const name of [
      Buffer.from([0x61, 0xff, 0xfe, 0x62]),
      Buffer.from('line\nbreak'),
      Buffer.from('bell\x07\x1b[31m'),
      Buffer.from('csv.\u202eexe'),
      Buffer.from('back\\slash'),
      Buffer.from([0xc3]),
      Buffer.from([0xed, 0xa0, 0x80]), // half of a pair, as UTF-8 must not have it
    ]) {
      await writeFile(raw(name), name)
    }
    const { files } = await collect()
    expect(pathsOf(files).sort()).toEqual([
      'outputs/%C3',
      'outputs/%ED%A0%80',
      'outputs/a%FF%FEb',
      'outputs/back\\slash',
      'outputs/bell%07%1B[31m',
      'outputs/csv.%E2%80%AEexe',
      'outputs/line%0Abreak',
    ])
    const odd = files.find(({ path }) => path === 'outputs/a%FF%FEb')
    expect(await buffer(await odd!.open())).toEqual(Buffer.from([0x61, 0xff, 0xfe, 0x62]))
  })

  it('behaviour: two files never become one, however alike their names are made', async () => {
    await mkdir(join(root, 'outputs'))
    await writeFile(raw(Buffer.from('a\n')), 'one')
    await writeFile(raw(Buffer.from('a%0A')), 'two')
    const { files } = await collect()
    expect(new Set(pathsOf(files)).size).toBe(2)
    expect(await Promise.all(files.map(async (file) => (await buffer(await file.open())).toString()))).toEqual(
      expect.arrayContaining(['one', 'two']),
    )
  })

  it('behaviour: a name that grows too long by that is cut and marked', async () => {
    await mkdir(join(root, 'outputs'))
    await writeFile(raw(Buffer.alloc(255, 0xff)), 'x')
    const [file] = (await collect()).files
    expect(Buffer.byteLength(file?.path ?? '')).toBeLessThanOrEqual(255 + 'outputs/'.length)
    expect(file?.path).toMatch(/^outputs\/(%FF)+[%F]*~[0-9a-f]{8}$/)
  })
})

describe('limits', () => {
  it('behaviour: no more files than allowed; what is cut off is said', async () => {
    for (let n = 0; n < 30; n += 1) await put(`outputs/${n}`)
    const { files, refused } = await collect({ maxFiles: 20 })
    expect(files).toHaveLength(20)
    expect(refused).toEqual([
      expect.objectContaining({ path: 'outputs', why: expect.stringContaining('more than 20 files') }),
    ])
  })

  it('behaviour: a tree without end is left after a bounded number of looks', async () => {
    let folder = join(root, 'outputs')
    for (let depth = 0; depth < 200; depth += 1) folder = join(folder, 'd')
    await mkdir(folder, { recursive: true })
    for (let n = 0; n < 300; n += 1) await mkdir(join(root, 'outputs', `empty-${n}`))
    const { files, refused, unreadable } = await collect({ maxFiles: 10 })
    expect(files).toEqual([])
    expect([...refused, ...unreadable].map(({ why }) => why).join()).toMatch(/more than 100 entries/)
  })

  it('behaviour: folders within folders end somewhere', async () => {
    let folder = join(root, 'outputs')
    for (let depth = 0; depth < 200; depth += 1) folder = join(folder, 'd')
    await mkdir(folder, { recursive: true })
    const { unreadable } = await collect()
    expect(unreadable).toEqual([expect.objectContaining({ why: expect.stringContaining('folders deep') })])
  })

  it('behaviour: a sparse file counts by its size, whatever lies on the disk', async () => {
    await put('outputs/sparse', '')
    await truncate(join(root, 'outputs/sparse'), 5_000_000_000)
    const { files, refused } = await collect()
    expect(files).toEqual([])
    expect(refused).toEqual([
      expect.objectContaining({ path: 'outputs/sparse', why: expect.stringContaining('5000000000 bytes') }),
    ])
  })

  it('behaviour: what an algorithm puts beside its log is an output, under the same limits', async () => {
    await put('outputs/a.csv')
    await put('logs/algorithm.log')
    await put('logs/more.bin')
    const { files, refused } = await collect({ allowedTypes: ['.csv'] })
    expect(pathsOf(files)).toEqual(['outputs/a.csv', 'logs/algorithm.log'])
    expect(pathsOf(refused)).toEqual(['logs/more.bin'])
  })
})
