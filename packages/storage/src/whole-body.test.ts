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
