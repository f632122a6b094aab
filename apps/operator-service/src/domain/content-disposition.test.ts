import { describe, expect, it } from '@jest/globals'
import { buildContentDisposition } from './content-disposition.ts'

describe('buildContentDisposition', () => {
  it('default: a simple name stands unquoted', () => {
    expect(buildContentDisposition('result-1.csv')).toBe('attachment;filename=result-1.csv')
  })

  it('behaviour: another name is quoted in ASCII, its true form beside it', () => {
    expect(buildContentDisposition('é ü.csv')).toBe(
      `attachment;filename="_ _.csv";filename*=UTF-8''%C3%A9%20%C3%BC.csv`,
    )
    expect(buildContentDisposition("it's(1)*.txt")).toContain(`filename*=UTF-8''it%27s%281%29%2A.txt`)
  })

  it('error: no name ends the header or adds a parameter', () => {
    const header = buildContentDisposition('a"; filename=evil.sh\r\nSet-Cookie: x=\ud800\0')
    expect(header).not.toMatch(/[\r\n\0]/)
    expect(header.match(/"/g)).toHaveLength(2)
    expect(header.split('"')[1]).not.toContain(';')
  })
})
