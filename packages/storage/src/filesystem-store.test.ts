import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createFilesystemStore } from './filesystem-store.ts'

const JOB = 'a'.repeat(32)
const OTHER_JOB = 'b'.repeat(32)
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'c2d-store-'))
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

describe('filesystem store', () => {
  it('gives back what was put, with its size and hash', async () => {
    const store = createFilesystemStore({ root })
    const stored = await store.put(JOB, 'outputs/sub folder/résultat.json', Readable.from(['{"mean":', '9.02}']))
    expect(stored.sizeBytes).toBe(13)
    expect(stored.sha256).toBe(createHash('sha256').update('{"mean":9.02}').digest('hex'))
    expect(await store.stat(stored.url)).toEqual({ sizeBytes: 13 })
    expect(await text(await store.open(stored.url))).toBe('{"mean":9.02}')
    expect(await text(await store.open(stored.url, { start: 2, end: 5 }))).toBe('mean')
  })

  it('behaviour: a source that breaks leaves nothing behind', async () => {
    const store = createFilesystemStore({ root })
    const broken = Readable.from(
      (async function* () {
        yield 'half'
        await Promise.resolve()
        throw new Error('cut')
      })(),
    )
    await expect(store.put(JOB, 'outputs/a', broken)).rejects.toThrow('cut')
    expect(await readdir(join(root, JOB, 'outputs'))).toEqual([])
  })

  it('error: a path that no folder can have is refused as one, and not as a failure that may pass', async () => {
    const store = createFilesystemStore({ root })
    const deep = ['outputs', ...Array.from({ length: 20 }, () => 'd'.repeat(250))].join('/')
    await expect(store.put(JOB, deep, Readable.from(['x']))).rejects.toMatchObject({ code: 'InvalidRequest' })
    await store.put(JOB, 'outputs/a', Readable.from(['x']))
    const below = store.put(JOB, 'outputs/a/b', Readable.from(['x']))
    await expect(below).rejects.toMatchObject({ code: 'InvalidRequest' })
  })

  it('error: a volume that is no folder is a failure that may pass, whatever the path', async () => {
    await writeFile(join(root, 'volume'), 'in the way')
    const store = createFilesystemStore({ root: join(root, 'volume') })
    await expect(store.put(JOB, 'outputs/a', Readable.from(['x']))).rejects.toMatchObject({ syscall: 'mkdir' })
  })

  it('behaviour: remove deletes one job and may be repeated', async () => {
    const store = createFilesystemStore({ root })
    const mine = await store.put(JOB, 'outputs/a', Readable.from(['a']))
    const other = await store.put(OTHER_JOB, 'outputs/a', Readable.from(['b']))
    await store.remove(JOB, [])
    await store.remove(JOB, [])
    await expect(store.open(mine.url)).rejects.toMatchObject({ code: 'NotFound' })
    expect(await text(await store.open(other.url))).toBe('b')
  })

  it.each([
    [`filesystem:${JOB}/../${OTHER_JOB}/outputs/a`],
    [`filesystem:${JOB}/outputs/../../${OTHER_JOB}/outputs/a`],
    [`filesystem:../etc/passwd`],
    [`filesystem:${JOB}//etc/passwd`],
    [`filesystem:${JOB}/outputs/a\0.txt`],
    [`file:///etc/passwd`],
    [`filesystem:${JOB}`],
  ])('error: an address that leads elsewhere is not found (%j)', async (url) => {
    const store = createFilesystemStore({ root })
    await store.put(OTHER_JOB, 'outputs/a', Readable.from(['secret']))
    await expect(store.open(url)).rejects.toMatchObject({ code: 'NotFound' })
  })
})
