import { describe, expect, it } from '@jest/globals'
import { parseResponseHead } from './response-head.ts'

const headOf = (...lines: string[]): string => lines.join('\r\n')

describe('parseResponseHead', () => {
  it('default: status, headers in lower case, length', () => {
    const head = headOf('HTTP/1.1 206 Partial Content', 'Content-Length: 10', 'ETag:  "a:b" ', 'X-Empty:')
    expect(parseResponseHead(head)).toEqual({
      status: 206,
      headers: { 'content-length': '10', etag: '"a:b"', 'x-empty': '' },
      length: 10,
    })
  })

  it('behaviour: an answer that has no body by its status has none, whatever it says', () => {
    expect(parseResponseHead(headOf('HTTP/1.1 304 Not Modified', 'Content-Length: 10'))?.length).toBe(0)
  })

  it.each([
    ['chunks', headOf('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')],
    ['chunks and a length', headOf('HTTP/1.1 200 OK', 'Content-Length: 3', 'Transfer-Encoding: chunked')],
    ['no length', headOf('HTTP/1.1 200 OK', 'Connection: close')],
    ['two lengths', headOf('HTTP/1.1 200 OK', 'Content-Length: 3', 'content-length: 4')],
    ['a length that is none', headOf('HTTP/1.1 200 OK', 'Content-Length: -3')],
    ['an answer before the answer', headOf('HTTP/1.1 100 Continue')],
    ['an older protocol', headOf('HTTP/1.0 200 OK', 'Content-Length: 3')],
    ['a folded line', headOf('HTTP/1.1 200 OK', 'A: b', ' c', 'Content-Length: 3')],
    ['a line that is none', headOf('HTTP/1.1 200 OK', 'Content-Length 3')],
  ])('behaviour: %s is left to a whole parser', (_, head) => {
    expect(parseResponseHead(head)).toBeNull()
  })
})
