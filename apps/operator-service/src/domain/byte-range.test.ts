import { describe, expect, it } from '@jest/globals'
import { parseByteRange } from './byte-range.ts'

describe('parseByteRange', () => {
  it.each([
    ['bytes=0-3', { start: 0, end: 3 }],
    ['bytes=4-', { start: 4, end: 9 }],
    ['bytes=4-400', { start: 4, end: 9 }],
    ['bytes=-3', { start: 7, end: 9 }],
    ['bytes=-30', { start: 0, end: 9 }],
    ['Bytes = 9-9', { start: 9, end: 9 }],
  ])('behaviour: %s of ten bytes', (header, range) => {
    expect(parseByteRange(header, 10)).toEqual(range)
  })

  it.each([undefined, '', 'bytes=-', 'bytes=5-2', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=a-b', 'bytes=--3'])(
    'behaviour: %s is the whole file',
    (header) => {
      expect(parseByteRange(header, 10)).toBeNull()
    },
  )

  it.each(['bytes=10-', 'bytes=10-11', 'bytes=-0'])('error: %s lies outside ten bytes', (header) => {
    expect(() => parseByteRange(header, 10)).toThrow('RangeNotSatisfiable')
  })

  it('error: every range lies outside an empty file', () => {
    expect(() => parseByteRange('bytes=0-', 0)).toThrow('RangeNotSatisfiable')
    expect(() => parseByteRange('bytes=-1', 0)).toThrow('RangeNotSatisfiable')
  })
})
