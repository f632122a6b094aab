import { describe, expect, it } from '@jest/globals'
import { runSeeds } from '../chaos/run-seeds.ts'
import { PLANS, buildSchedule } from '../chaos/schedule.ts'

// Between them: every kind of fault but one or two, one engine and several. `npm run chaos` runs as many as one likes.
const SEEDS = [1, 2, 3, 4]

describe('a system to which everything happens', () => {
  it('loses no job, runs none twice and leaves nothing behind', async () => {
    const violations: string[] = []
    const summary = await runSeeds(
      { seeds: SEEDS, plan: 'short' },
      {
        onReport: ({ schedule, violations: found, diagnostics }) => {
          for (const { kind, message } of found) violations.push(`seed ${schedule.seed}: ${kind}: ${message}`)
          if (found.length > 0) violations.push(diagnostics)
        },
      },
    )
    expect(violations).toEqual([])
    expect(summary).toEqual({ runs: SEEDS.length, lost: 0, doubled: 0, overlapped: 0, leaked: 0, violations: 0 })
  }, 300_000)

  it('is given the same schedule by the same seed, and another by another', () => {
    expect(buildSchedule(7, PLANS.full)).toEqual(buildSchedule(7, PLANS.full))
    expect(buildSchedule(7, PLANS.full)).not.toEqual(buildSchedule(8, PLANS.full))
  })
})
