import { describe, expect, it } from '@jest/globals'
import type { StoredResult } from '@c2d/contracts'
import { fitRows } from './fit-rows.ts'

const filesOf = (count: number, nameBytes: number) =>
  Array.from({ length: count }, (_, n) => ({ path: `outputs/${String(n).padStart(nameBytes, 'ä"')}` }))

/** A row as it is when everything about it is as long as it gets. */
function longestRow({ path }: { path: string }): StoredResult {
  const job = 'a'.repeat(32)
  return {
    filename: path.split('/').at(-1) ?? '',
    filesize: 1e15,
    url: `filesystem:${job}/${path}`,
    type: 'output',
    sha256: 'a'.repeat(64),
    path,
    copies: [`s3:${job}/${path}`],
    failure: 'ipfs: The storage of results does not answer, or not with what was stored.',
  }
}

describe('fitRows', () => {
  it('has room for as many files as an environment may allow, with names as people give them', () => {
    expect(fitRows(filesOf(20_000, 10)).refused).toEqual([])
  })

  it.each([
    [20_000, 30],
    [20_000, 200],
    [3_000, 5_000],
  ])('behaviour: what it accepts of %i files with names of %i characters fits into a report', (count, nameBytes) => {
    const files = filesOf(count, nameBytes)
    const { accepted, refused } = fitRows(files)
    expect([...accepted, ...refused]).toEqual(files)
    expect(Buffer.byteLength(JSON.stringify(accepted.map(longestRow)))).toBeLessThan(14 * 1024 ** 2)
  })
})
