import { describe, expect, it } from '@jest/globals'
import { compareLeases } from './compare-leases.ts'
import type { HeldJob } from './held-jobs.ts'

const job = (jobId: string, epoch = 1): HeldJob => ({ jobId, epoch })
const held = (...jobs: HeldJob[]): Map<string, HeldJob> => new Map(jobs.map((each) => [each.jobId, each]))

describe('compareLeases', () => {
  it('misses what was held and is not renewed, or renewed at another epoch', () => {
    const before = held(job('kept'), job('adopted'), job('raised', 3))
    const renewed = [job('kept'), job('raised', 4)]
    const { missing, unheld } = compareLeases(before, renewed, (jobId) => before.has(jobId))
    expect(missing.map(({ jobId }) => jobId)).toEqual(['adopted', 'raised'])
    expect(unheld).toEqual([])
  })

  it('behaviour: a job that was claimed while the leases were being renewed is not missing', () => {
    const { missing } = compareLeases(held(), [], (jobId) => jobId === 'just-claimed')
    expect(missing).toEqual([])
  })

  it('finds what is renewed in our name and not held', () => {
    expect(compareLeases(held(), [job('unknown')], () => false).unheld).toEqual([job('unknown')])
  })
})
