import { describe, expect, it } from '@jest/globals'
import { JOB_CANARY, chooseSeal } from './job-seal.ts'

const own = { canary: '10.0.0.1:8061', probes: ['db=tcp://10.0.0.2:5432'] }

describe('chooseSeal', () => {
  it.each([
    ['of a job that this engine prepared', { [JOB_CANARY]: own.canary }, own],
    ['of a job that names no canary', {}, own],
    [
      'of a job that another engine prepared: that one’s canary, and this one’s as well',
      { [JOB_CANARY]: '10.0.0.9:8061' },
      { canary: '10.0.0.9:8061', probes: ['db=tcp://10.0.0.2:5432', 'second-canary=tcp://10.0.0.1:8061'] },
    ],
  ])('%s', (_, data, seal) => {
    expect(chooseSeal({ data }, own)).toEqual(seal)
  })

  it('where nothing is sealed, nothing is', () => {
    expect(chooseSeal({ data: { [JOB_CANARY]: '10.0.0.9:8061' } }, null)).toBeNull()
  })
})
