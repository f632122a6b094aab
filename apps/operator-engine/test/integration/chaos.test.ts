import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { runSeeds } from '../chaos/run-seeds.ts'
import { PLANS, buildSchedule } from '../chaos/schedule.ts'

// Between them every kind of fault, every kind of job, one to three engines, wrong clocks; the last one found a bug.
const SEEDS = [37, 39, 82, 2]

const APPS = fileURLToPath(new URL('../../../', import.meta.url))

describe('a system to which everything happens', () => {
  it('loses no job, runs none twice and leaves nothing behind', async () => {
    const violations: string[] = []
    const summary = await runSeeds(
      { seeds: SEEDS, plan: 'short', apps: APPS },
      {
        onReport: ({ schedule, violations: found, diagnostics }) => {
          for (const { kind, message } of found) violations.push(`seed ${schedule.seed}: ${kind}: ${message}`)
          if (found.length > 0) violations.push(diagnostics)
        },
      },
    )
    expect(violations).toEqual([])
    expect(summary).toEqual({ runs: SEEDS.length, lost: 0, doubled: 0, overlapped: 0, leaked: 0, violations: 0 })
  }, 600_000)
})

describe('a schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(buildSchedule(7, PLANS.full)).toEqual(buildSchedule(7, PLANS.full))
    expect(buildSchedule(7, PLANS.full)).not.toEqual(buildSchedule(8, PLANS.full))
  })

  it('of the seeds above, together, holds every kind of fault and of job', () => {
    const kindsOf = (seeds: number[]): string[] => {
      const schedules = seeds.map((seed) => buildSchedule(seed, PLANS.short))
      const faults = schedules.flatMap(({ faults }) => faults.map(({ kind }) => kind))
      const jobs = schedules.flatMap(({ jobs }) => jobs.map(({ behaviour }) => behaviour))
      const engines = schedules.map(({ engineSkewMs }) => `${engineSkewMs.length} engines`)
      return [...new Set([...faults, ...jobs, ...engines])].sort()
    }
    expect(kindsOf(SEEDS)).toEqual(kindsOf(Array.from({ length: 300 }, (_, seed) => seed)))
  })
})
