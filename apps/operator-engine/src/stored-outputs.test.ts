import { describe, expect, it } from '@jest/globals'
import type { StoredResult } from '@c2d/contracts'
import { isAllStored } from './stored-outputs.ts'

const row = (changes: Partial<StoredResult> = {}): StoredResult => ({
  filename: 'a',
  filesize: 1,
  url: `filesystem:${'a'.repeat(32)}/outputs/a`,
  type: 'output',
  ...changes,
})

describe('whether all outputs are where they belong', () => {
  it.each([
    ['kept here', [row()], true],
    ['delivered to the consumer, who wanted no copy kept', [row({ url: '', delivered: true }), row()], true],
    ['not reported yet', null, false],
    ['stored nowhere', [row(), row({ url: '', failure: 's3: no' })], false],
    ['in one place of two', [row({ failure: 's3: no' })], false],
    ['kept here, and not brought to the consumer', [row({ deliveryFailure: 'no' })], false],
  ])('%s', (_what, outputs, isAll) => {
    expect(isAllStored({ outputs })).toBe(isAll)
  })
})
