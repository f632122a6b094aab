import { JOB_STATUS, isLegalTransition, jobStatusName } from '@c2d/contracts'
import { describe, expect, it } from '@jest/globals'
import { algorithmDeadlineMs } from './deadlines.ts'
import { decide } from './decide.ts'
import { NOW_MS, absent, buildObserved, ended, running, waiting } from './testing/decision-table.ts'

describe('decide', () => {
  it('behaviour: every decision in every status is a legal transition, and every live status decides something', () => {
    const states = [absent, waiting(), running(), running(NOW_MS - 3_600_000), ended(0), ended(1), ended(null, 'Lost')]
    for (const { code } of Object.values(JOB_STATUS)) {
      for (const step of states) {
        for (const stopRequest of [0, 1, 2] as const) {
          const status = jobStatusName(code)
          const decision = decide(
            buildObserved({ status, job: { stopRequest }, steps: { configure: step, algorithm: step, publish: step } }),
            NOW_MS,
          )
          if (decision.do !== 'advance') continue
          expect(decision.from).toBe(status)
          expect(isLegalTransition(decision.from, decision.to)).toBe(true)
        }
      }
    }
  })
})

describe('algorithmDeadlineMs', () => {
  it('counts from the algorithm itself, not from its creation', () => {
    expect(algorithmDeadlineMs(5_000, 60, null)).toBe(65_000)
  })
})
