import { describe, expect, it } from '@jest/globals'
import { hasPython } from './interpreters.ts'

describe('looking for Python', () => {
  it('behaviour: a machine without it is no error', async () => {
    expect(await hasPython('/nonexistent')).toBe(false)
  })
})
