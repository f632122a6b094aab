import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { isAddressOfJob, type ResultStore } from '@c2d/storage'

/** A store to be tried, opened for the suite. */
export interface StoreUnderTest {
  store: ResultStore
  close(): Promise<void>
  /** Where a server for development knows less than the real ones. */
  lacks?: { longNames?: boolean; rangeOfFirstByte?: boolean } | undefined
}

const MIB = 1024 ** 2
const newJob = (): string => randomBytes(16).toString('hex')
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
/** As a file gives its bytes: in pieces. */
const inPieces = (bytes: Buffer): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000)
    })(),
  )

/** What every store of results keeps to, whatever it stores to. */
export function describeStore(name: string, openStore: () => Promise<StoreUnderTest>): void {
  describe(`store of results: ${name}`, () => {
    let opened: StoreUnderTest
    let store: ResultStore
    beforeAll(async () => {
      opened = await openStore()
      store = opened.store
    }, 60_000)
    afterAll(() => opened.close())

    const put = (jobId: string, path: string, bytes: Buffer) =>
      store.put(jobId, path, inPieces(bytes), { sizeBytes: bytes.length })
    const read = async (url: string, range?: { start: number; end: number }) => buffer(await store.open(url, range))

    it.each([0, 1, 65_535, 65_536, 65_537, 200_000, 20 * MIB])(
      'gives back a file of %i bytes, with its size and hash',
      async (sizeBytes) => {
        const jobId = newJob()
        const bytes = randomBytes(sizeBytes)
        const stored = await put(jobId, 'outputs/a.bin', bytes)
        expect(stored).toEqual({ url: expect.any(String), sizeBytes, sha256: sha256(bytes) })
        expect(await store.stat(stored.url)).toEqual({ sizeBytes })
        expect((await read(stored.url)).equals(bytes)).toBe(true)
        await store.remove(jobId, [stored.url])
      },
      120_000,
    )

    it('gives any range', async () => {
      const bytes = randomBytes(200_000)
      const { url } = await put(newJob(), 'outputs/a', bytes)
      for (const [start, end] of [
        opened.lacks?.rangeOfFirstByte ? [0, 1] : [0, 0],
        [199_999, 199_999],
        [0, 199_999],
        [65_535, 65_536],
        [65_536, 131_071],
        [70_000, 199_998],
      ] as const) {
        expect((await read(url, { start, end })).equals(bytes.subarray(start, end + 1))).toBe(true)
      }
    })

    it.each([
      'outputs/a file with blanks.csv',
      'outputs/résultat 結果 🧪.json',
      'outputs/100%/a+b&c=d?e#f;g,h.txt',
      `outputs/"quoted" 'and' <angled>.txt`,
      'outputs/%2e%2e/%00',
      'outputs/..a/.b/c..',
      `outputs/${'n'.repeat(255)}`,
      `outputs/${'deep/'.repeat(40)}leaf`,
      'logs/algorithm.log',
      'adminlogs/publish.log',
    ])('keeps a file under its name (%j)', async (path) => {
      if (opened.lacks?.longNames && path.includes('n'.repeat(255))) return
      const jobId = newJob()
      const { url } = await put(jobId, path, Buffer.from(path))
      expect(isAddressOfJob(url, jobId)).toBe(true)
      expect((await read(url)).toString()).toBe(path)
    })

    it('behaviour: the same path again replaces the file', async () => {
      const jobId = newJob()
      await put(jobId, 'outputs/a', Buffer.from('first, and longer'))
      const { url } = await put(jobId, 'outputs/a', Buffer.from('second'))
      expect((await read(url)).toString()).toBe('second')
      expect(await store.stat(url)).toEqual({ sizeBytes: 6 })
    })

    it('behaviour: stores and gives many at once', async () => {
      const jobId = newJob()
      const stored = await Promise.all(
        Array.from({ length: 30 }, (_, n) => put(jobId, `outputs/${n}`, Buffer.from(`file ${n}`))),
      )
      const texts = await Promise.all(stored.map(async ({ url }) => (await read(url)).toString()))
      expect(texts).toEqual(Array.from({ length: 30 }, (_, n) => `file ${n}`))
    })

    it.each([10, 100_000, 12 * MIB])(
      'error: a source that breaks after %i bytes fails with its own error, and nothing is there',
      async (sizeBytes) => {
        const jobId = newJob()
        const whole = await put(jobId, 'outputs/a', Buffer.from('whole'))
        const broken = Readable.from(
          (async function* () {
            yield* inPieces(randomBytes(sizeBytes))
            throw new Error('the disk broke')
          })(),
        )
        await expect(store.put(jobId, 'outputs/broken', broken)).rejects.toThrow('the disk broke')
        await expect(
          store.open(whole.url.replace(/outputs\/a$/, 'outputs/broken').replace(/baf\w+/, 'x')),
        ).rejects.toMatchObject({ code: 'NotFound' })
        expect((await read(whole.url)).toString()).toBe('whole')
      },
      60_000,
    )

    it('behaviour: a reader that leaves early disturbs nobody', async () => {
      const bytes = randomBytes(5 * MIB)
      const { url } = await put(newJob(), 'outputs/a', bytes)
      for (let n = 0; n < 5; n += 1) {
        for await (const piece of await store.open(url)) {
          expect((piece as Buffer).length).toBeGreaterThan(0)
          break
        }
      }
      expect((await read(url)).equals(bytes)).toBe(true)
    })

    it('behaviour: remove takes everything of a job, named or not, and may be repeated', async () => {
      const jobId = newJob()
      const one = await put(jobId, 'outputs/deep/one', Buffer.from('1'))
      const unnamed = await put(jobId, 'outputs/two', Buffer.from('2'))
      const log = await put(jobId, 'adminlogs/publish.log', Buffer.from('3'))
      const other = await put(newJob(), 'outputs/deep/one', Buffer.from('other'))
      await store.remove(jobId, [one.url, log.url, other.url, 'https://elsewhere.example/x', ''])
      await store.remove(jobId, [one.url])
      for (const { url } of [one, unnamed, log]) {
        await expect(store.stat(url)).rejects.toMatchObject({ code: 'NotFound' })
        await expect(store.open(url)).rejects.toMatchObject({ code: 'NotFound' })
      }
      expect((await read(other.url)).toString()).toBe('other')
      await store.remove(newJob(), [])
    }, 60_000)

    it('behaviour: discard takes one object and no other, and may be repeated', async () => {
      const jobId = newJob()
      const one = await put(jobId, 'outputs/one', Buffer.from('1'))
      const longer = await put(jobId, 'outputs/one.more', Buffer.from('2'))
      await store.discard(one.url)
      await store.discard(one.url)
      await expect(store.stat(one.url)).rejects.toMatchObject({ code: 'NotFound' })
      expect((await read(longer.url)).toString()).toBe('2')
      await expect(store.discard(`${longer.url.split(':')[0]}:${jobId}/../outputs/one.more`)).rejects.toMatchObject({
        code: 'NotFound',
      })
    }, 60_000)

    it('error: an address that leads elsewhere is not found', async () => {
      const jobId = newJob()
      const { url } = await put(jobId, 'outputs/a', Buffer.from('mine'))
      const [scheme] = url.split(':')
      for (const address of [
        `${scheme}:${newJob()}/../${jobId}/outputs/a`,
        `${scheme}:${jobId}/outputs/../outputs/a`,
        `${scheme}:${jobId}//outputs/a`,
        `${scheme}:${jobId}/outputs/a\0`,
        `${scheme}:${jobId}/outputs/none`,
        `${scheme}:${jobId}`,
        `${scheme}:../${jobId}/outputs/a`,
        url.replace(jobId, newJob()),
        `file:///etc/passwd`,
        `http://127.0.0.1/latest`,
        '',
      ]) {
        await expect(store.open(address)).rejects.toMatchObject({ code: 'NotFound' })
        await expect(store.stat(address)).rejects.toMatchObject({ code: 'NotFound' })
      }
    })

    it.each(['', '/etc/passwd', '../a', 'outputs/../../a', 'outputs//a', 'outputs/', 'outputs/a\0b', 'a\ud800'])(
      'error: a path that leads elsewhere is refused (%j)',
      async (path) => {
        await expect(put(newJob(), path, Buffer.from('x'))).rejects.toMatchObject({ code: 'InvalidRequest' })
      },
    )
  })
}
