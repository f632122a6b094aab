import { describe, expect, it } from '@jest/globals'
import { assertJobId, isJobId } from './job-id.ts'

describe('assertJobId', () => {
  it('accepts 32 lower-case hex characters', () => {
    expect(isJobId('0123456789abcdef0123456789abcdef')).toBe(true)
  })

  it.each([
    '',
    '../../etc',
    'A'.repeat(32),
    'a'.repeat(31),
    'a'.repeat(33),
    `${'a'.repeat(32)}\n`,
    `${'a'.repeat(30)}/.`,
  ])('error: refuses %j, which would become a folder name', (text) => {
    expect(() => {
      assertJobId(text)
    }).toThrow('not a job id')
  })
})
