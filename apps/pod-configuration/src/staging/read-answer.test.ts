import { describe, expect, it } from '@jest/globals'
import { rangeHeaders, readPart, readWhole, retryAfterMs } from './read-answer.ts'

const DATE = 'Sat, 21 Nov 2026 05:00:00 GMT'

describe('readWhole', () => {
  it.each([
    ['a strong ETag', { etag: '"a"' }, '"a"'],
    ['a weak ETag', { etag: 'W/"a"' }, null],
    ['a weak ETag, though there is a date', { etag: 'W/"a"', 'last-modified': DATE, date: DATE }, null],
    [
      'an older date',
      { 'last-modified': 'Fri, 20 Nov 2026 05:00:00 GMT', date: DATE },
      'Fri, 20 Nov 2026 05:00:00 GMT',
    ],
    ['a date of this very second', { 'last-modified': DATE, date: DATE }, null],
    ['a date without a clock beside it', { 'last-modified': DATE }, null],
    ['no parts', { etag: '"a"', 'accept-ranges': 'none' }, null],
    ['a compressed form', { etag: '"a"', 'content-encoding': 'gzip' }, null],
    ['nothing', {}, null],
  ])('behaviour: parts can be told apart by %s', (_what, headers, version) => {
    expect(readWhole(200, headers)?.version).toBe(version)
  })

  it('behaviour: a range that nobody asked for is the file, and has no parts', () => {
    const headers = { etag: '"a"', 'content-length': '5', 'content-range': 'bytes 10-14/100' }
    expect(readWhole(206, headers)).toEqual({ sizeBytes: 5, version: null, encoding: null })
  })

  it('behaviour: what a proxy has changed on the way is the file, and has no parts', () => {
    expect(readWhole(203, { etag: '"a"', 'content-length': '5' })).toEqual({
      sizeBytes: 5,
      version: null,
      encoding: null,
    })
  })

  it('behaviour: the length of a compressed form is not that of the file', () => {
    expect(readWhole(200, { 'content-length': '5', 'content-encoding': 'GZIP ' })).toMatchObject({
      sizeBytes: null,
      encoding: 'gzip',
    })
  })

  it.each(['-1', '1e9', '0x10', '9'.repeat(16), ''])('error: a length of %j is none', (length) => {
    expect(readWhole(200, { 'content-length': length })?.sizeBytes).toBeNull()
  })

  it.each([201, 204, 302, 304, 404, 500])('error: %i is no file', (status) => {
    expect(readWhole(status, {})).toBeNull()
  })
})

describe('readPart', () => {
  const known = { version: '"a"', sizeBytes: 100 }
  const asked = { from: 10, to: 20 }
  const good = { etag: '"a"', 'content-range': 'bytes 10-19/100', 'content-length': '10' }

  it.each([
    ['what was asked for', 206, good, { kind: 'part', toByte: 20, sizeBytes: 100 }],
    [
      'less of it',
      206,
      { etag: '"a"', 'content-range': 'bytes 10-12/100' },
      { kind: 'part', toByte: 13, sizeBytes: 100 },
    ],
    ['no size', 206, { ...good, 'content-range': 'bytes 10-19/*' }, { kind: 'part', toByte: 20, sizeBytes: null }],
    ['more', 206, { ...good, 'content-range': 'bytes 10-20/100', 'content-length': '11' }, { kind: 'ignored' }],
    ['another part', 206, { ...good, 'content-range': 'bytes 0-9/100' }, { kind: 'ignored' }],
    ['a part that is none', 206, { ...good, 'content-range': 'bytes 19-10/100' }, { kind: 'ignored' }],
    ['a part beyond the end', 206, { ...good, 'content-range': 'bytes 10-19/15' }, { kind: 'changed' }],
    ['another length than its part', 206, { ...good, 'content-length': '9' }, { kind: 'ignored' }],
    ['several parts', 206, { etag: '"a"', 'content-type': 'multipart/byteranges; boundary=x' }, { kind: 'ignored' }],
    ['a compressed part', 206, { ...good, 'content-encoding': 'gzip' }, { kind: 'ignored' }],
    ['another version', 206, { ...good, etag: '"b"' }, { kind: 'changed' }],
    ['no version', 206, { ...good, etag: undefined }, { kind: 'changed' }],
    ['another size', 206, { ...good, 'content-range': 'bytes 10-19/101' }, { kind: 'changed' }],
    ['the whole of the same', 200, { etag: '"a"' }, { kind: 'ignored' }],
    ['the whole of another', 200, { etag: '"b"' }, { kind: 'changed' }],
    ['that there is no such part', 416, {}, { kind: 'changed' }],
    ['that the condition fails', 412, {}, { kind: 'changed' }],
    ['that it is busy', 503, {}, { kind: 'refused' }],
  ])('behaviour: an origin that answers %s is understood', (_what, status, headers, reading) => {
    expect(readPart(status, headers, asked, known)).toEqual(reading)
  })
})

describe('questions and pauses', () => {
  it('behaviour: a question for a part is conditional', () => {
    expect(rangeHeaders({ from: 5, to: 10 }, '"a"')).toEqual({ range: 'bytes=5-9', 'if-range': '"a"' })
    expect(rangeHeaders({ from: 5, to: null }, '"a"')).toMatchObject({ range: 'bytes=5-' })
  })

  it.each([
    ['2', 2000],
    ['0', 0],
    [DATE, 60_000],
    ['Sat, 21 Nov 2026 04:00:00 GMT', 0],
    ['soon', null],
    ['-5', null],
    [undefined, null],
  ])('behaviour: Retry-After %j is %j milliseconds', (text, wait) => {
    expect(retryAfterMs({ 'retry-after': text }, Date.parse(DATE) - 60_000)).toBe(wait)
  })
})
