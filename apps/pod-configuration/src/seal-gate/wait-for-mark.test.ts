import { describe, expect, it } from '@jest/globals'
import type { SealMark } from '@c2d/contracts'
import { parseMark } from './wait-for-mark.ts'

describe('parseMark', () => {
  it('reads what the configure pod writes', () => {
    const mark: SealMark = { id: 'a1', control: { address: '10.0.0.5:7000', reached: true } }
    expect(parseMark(JSON.stringify(mark))).toEqual(mark)
  })

  it.each([
    '',
    '{',
    'null',
    '{"id":"a1"}',
    '{"id":1,"control":{}}',
    '{"id":"a1","control":{"address":"x","reached":"yes"}}',
  ])('error: %s is no mark', (text) => {
    expect(parseMark(text)).toBeNull()
  })
})
