import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  SEGMENT_BYTES,
  SegmentError,
  generateSegmentKey,
  locateRange,
  openStream,
  plainSize,
  sealStream,
  sealedSize,
  type SegmentKey,
} from './segment-cipher.ts'

const SEALED = SEGMENT_BYTES + 16
const key: SegmentKey = { key: generateSegmentKey(), context: 'one job' }

async function collect(parts: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const part of parts) all.push(part)
  return Buffer.concat(all)
}

/** The bytes in pieces as a network would bring them. */
async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    await Promise.resolve()
    yield bytes.subarray(at, at + pieceBytes)
  }
}

const seal = (plain: Buffer, pieceBytes = 50_000, by = key) => collect(sealStream(inPieces(plain, pieceBytes), by))

async function open(
  sealed: Buffer,
  range: { start: number; end: number } | null = null,
  by = key,
  pieceBytes = 40_000,
): Promise<Buffer> {
  const place = locateRange(range, sealed.length)
  return collect(
    openStream(inPieces(sealed.subarray(place.offset, place.offset + place.length), pieceBytes), place, by),
  )
}

/** Sizes around the borders of segments, where mistakes live. */
const size = fc.oneof(
  fc.integer({ min: 0, max: 3 * SEGMENT_BYTES }),
  fc
    .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -1, max: 1 }))
    .map(([n, d]) => Math.max(0, n * SEGMENT_BYTES + d)),
)
const pieces = fc.integer({ min: 1_000, max: 200_000 })
const RUNS = { numRuns: 60 }

describe('segment cipher', () => {
  it('gives back what was sealed, whatever its size and however it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(size, pieces, pieces, async (bytes, pieceBytes, otherBytes) => {
        const plain = randomBytes(bytes)
        const sealed = await seal(plain, pieceBytes)
        expect(sealed.length).toBe(sealedSize(bytes))
        expect(plainSize(sealed.length)).toBe(bytes)
        expect((await open(sealed, null, key, otherBytes)).equals(plain)).toBe(true)
      }),
      RUNS,
    )
  })

  it('gives any range from the segments of that range alone', async () => {
    await fc.assert(
      fc.asyncProperty(
        size.filter((bytes) => bytes > 0),
        fc.nat(),
        fc.nat(),
        async (bytes, a, b) => {
          const plain = randomBytes(bytes)
          const sealed = await seal(plain)
          const [start, end] = [a % bytes, b % bytes].sort((x, y) => x - y) as [number, number]
          const place = locateRange({ start, end }, sealed.length)
          expect(place.length).toBeLessThanOrEqual(end - start + 1 + 2 * SEALED)
          expect((await open(sealed, { start, end })).equals(plain.subarray(start, end + 1))).toBe(true)
        },
      ),
      RUNS,
    )
  })

  it('error: any flipped bit fails', async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), fc.integer({ min: 0, max: 7 }), async (bytes, place, bit) => {
        const sealed = await seal(randomBytes(bytes))
        const at = place % sealed.length
        sealed.writeUInt8(sealed.readUInt8(at) ^ (1 << bit), at)
        await expect(open(sealed)).rejects.toThrow(SegmentError)
      }),
      RUNS,
    )
  })

  it('error: an object that is cut or longer fails, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), async (bytes, place) => {
        const sealed = await seal(randomBytes(bytes))
        const shorter = sealed.subarray(0, place % sealed.length)
        await expect((async () => open(shorter))()).rejects.toThrow(SegmentError)
        const longer = Buffer.concat([sealed, randomBytes((place % SEALED) + 1)])
        await expect((async () => open(longer))()).rejects.toThrow(SegmentError)
      }),
      RUNS,
    )
  })

  it('error: cut exactly between two segments fails too', async () => {
    const sealed = await seal(randomBytes(3 * SEGMENT_BYTES))
    await expect(open(sealed.subarray(0, 2 * SEALED))).rejects.toThrow(SegmentError)
    await expect(open(sealed.subarray(SEALED))).rejects.toThrow(SegmentError)
  })

  it('error: swapped, repeated and foreign segments fail', async () => {
    const plain = randomBytes(3 * SEGMENT_BYTES)
    const sealed = await seal(plain)
    const [a, b, c] = [0, 1, 2].map((n) => sealed.subarray(n * SEALED, (n + 1) * SEALED)) as [Buffer, Buffer, Buffer]
    const other = await seal(plain, 50_000, { ...key, key: generateSegmentKey() })
    const foreign = other.subarray(SEALED, 2 * SEALED)
    for (const mixed of [
      [b, a, c],
      [a, a, c],
      [a, c, b],
      [c, b, a],
      [a, foreign, c],
    ]) {
      await expect(open(Buffer.concat(mixed))).rejects.toThrow(SegmentError)
    }
  })

  it('error: another key, or the words of another job, open nothing', async () => {
    const sealed = await seal(Buffer.from('secret'))
    await expect(open(sealed, null, { ...key, key: generateSegmentKey() })).rejects.toThrow(SegmentError)
    await expect(open(sealed, null, { ...key, context: 'another job' })).rejects.toThrow(SegmentError)
  })

  it('error: a source that gives more or less than the range was to need fails after what was verified', async () => {
    const sealed = await seal(randomBytes(2 * SEGMENT_BYTES))
    const place = locateRange({ start: 0, end: 9 }, sealed.length)
    for (const given of [sealed, sealed.subarray(0, 100), Buffer.alloc(0)]) {
      await expect(collect(openStream(inPieces(given, 9_999), place, key))).rejects.toThrow(SegmentError)
    }
  })

  it('error: a range that is not in the file is refused before anything is read', async () => {
    const sealed = await seal(Buffer.from('0123456789'))
    for (const range of [
      { start: 0, end: 10 },
      { start: 5, end: 4 },
      { start: -1, end: 3 },
      { start: Number.NaN, end: 3 },
    ]) {
      expect(() => locateRange(range, sealed.length)).toThrow(RangeError)
    }
  })

  it('behaviour: two sealings of the same bytes have nothing in common', async () => {
    const plain = Buffer.alloc(1_000)
    const [one, two] = await Promise.all([1, 2].map(() => seal(plain, 50_000, { ...key, key: generateSegmentKey() })))
    expect(one?.equals(two ?? Buffer.alloc(0))).toBe(false)
    expect(one?.includes(Buffer.alloc(16))).toBe(false)
  })
})
