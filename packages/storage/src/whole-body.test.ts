import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from '@jest/globals'
import { createWholeBody } from './whole-body.ts'

function streamOf(chunks: string[], onCancel = () => {}): ReadableStream {
  const left = chunks.map((chunk) => new TextEncoder().encode(chunk))
  return new ReadableStream({
    pull(controller) {
      const next = left.shift()
      if (next) controller.enqueue(next)
      else controller.close()
    },
    cancel: onCancel,
  })
}

const broken = new Error('other side closed 10.0.0.1')

const nodeStreamOf = (chunks: string[]): Readable => Readable.from(chunks.map((chunk) => Buffer.from(chunk)))
const brokenStream = (): Readable =>
  new Readable({
    read() {
      this.destroy(broken)
    },
  })

describe('createWholeBody of a stream of node', () => {
  it.each([
    ['whole', ['ab', 'c'], 3],
    ['of unknown length', ['ab', 'c'], null],
    ['empty', [], 0],
  ])('passes on a body that is %s', async (_what, chunks, expected) => {
    expect(await text(createWholeBody(nodeStreamOf(chunks), expected))).toBe(chunks.join(''))
  })

  it.each([
    ['is shorter than promised', () => nodeStreamOf(['ab']), 3],
    ['is empty instead', () => nodeStreamOf([]), 3],
    ['is longer than promised', () => nodeStreamOf(['abcd']), 3],
    ['breaks', brokenStream, null],
    ['is closed before its end', () => new Readable({ read() {} }).destroy(), null],
  ])('error: a body that %s fails, and the sentence names no address', async (_what, stream, expected) => {
    await expect(text(createWholeBody(stream(), expected))).rejects.toMatchObject({
      code: 'FilesUnavailable',
      detail: 'The file ended before it was whole.',
    })
  })

  it('behaviour: is read no faster than it is taken, and let go when it is destroyed', async () => {
    const source = nodeStreamOf(Array.from({ length: 1_000 }, () => 'x'.repeat(10_000)))
    const body = createWholeBody(source, null)
    body.read(0)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(body.readableLength).toBeLessThan(100_000)
    await new Promise((resolve) => body.once('close', resolve).destroy())
    expect(source.destroyed).toBe(true)
  })
})

describe('createWholeBody', () => {
  it.each([
    ['whole', ['ab', '', 'c'], 3],
    ['of unknown length', ['ab', 'c'], null],
    ['empty', [], 0],
  ])('passes on a body that is %s', async (_what, chunks, expected) => {
    expect(await text(createWholeBody(streamOf(chunks), expected))).toBe(chunks.join(''))
  })

  it.each([
    ['is shorter than promised', streamOf(['ab']), 3],
    ['is empty instead', streamOf([]), 3],
    ['is longer than promised', streamOf(['abcd']), 3],
    ['breaks', new ReadableStream({ start: (controller) => controller.error(broken) }), null],
  ])('error: a body that %s fails, and the sentence names no address', async (_what, stream, expected) => {
    await expect(text(createWholeBody(stream, expected))).rejects.toMatchObject({
      code: 'FilesUnavailable',
      detail: 'The file ended before it was whole.',
    })
  })

  it('behaviour: destroying it lets go of the origin', async () => {
    let isCancelled = false
    const body = createWholeBody(
      streamOf(['a', 'b'], () => {
        isCancelled = true
      }),
      2,
    )
    await new Promise((resolve) => body.once('close', resolve).destroy())
    expect(isCancelled).toBe(true)
  })
})
