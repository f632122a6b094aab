import { describe, expect, it } from '@jest/globals'
import { chooseFilename, cleanFilename } from './filename.ts'

describe('chooseFilename', () => {
  it.each([
    ['the last part of the path', null, '/data/wages%201985.csv', 'wages 1985.csv'],
    ["the origin's own name", 'attachment; filename="report.csv"', '/x', 'report.csv'],
    ['an unquoted name', 'attachment;filename=report.csv', '/x', 'report.csv'],
    [
      'a UTF-8 name before a plain one',
      "attachment; filename=a; filename*=UTF-8''r%C3%A9sum%C3%A9.txt",
      '/x',
      'résumé.txt',
    ],
    ['no folder of an origin that tries', 'attachment; filename="../../etc/passwd"', '/x', 'passwd'],
    [
      'no line break of an origin that tries',
      "attachment; filename*=UTF-8''a%0D%0ASet-Cookie: x",
      '/x',
      'aSet-Cookie: x',
    ],
    ['a stand-in where there is no name', null, '/', 'file'],
  ])('offers %s', (_title, disposition, path, want) => {
    expect(chooseFilename(disposition, path)).toBe(want)
  })

  it('refuses names that are folders', () => {
    expect(cleanFilename('..')).toBe('')
  })
})
