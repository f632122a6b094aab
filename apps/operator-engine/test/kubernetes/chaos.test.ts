import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { runSeeds } from '../chaos/run-seeds.ts'

const APPS = fileURLToPath(new URL('../../../', import.meta.url))
/** Two engines; both are frozen, one is ended, one killed, and connections end without a word. */
const SEED = 1

describe('a system on a cluster to which everything happens', () => {
  it('behaviour: loses no job, runs none twice and leaves nothing behind', async () => {
    const violations: string[] = []
    const summary = await runSeeds(
      { seeds: [SEED], plan: 'clusterShort', apps: APPS },
      {
        onReport: ({ schedule, violations: found, diagnostics }) => {
          for (const { kind, message } of found) violations.push(`seed ${schedule.seed}: ${kind}: ${message}`)
          if (found.length > 0) violations.push(diagnostics)
        },
      },
    )
    expect(violations).toEqual([])
    expect(summary).toEqual({ runs: 1, lost: 0, doubled: 0, overlapped: 0, leaked: 0, violations: 0 })
  }, 420_000)
})
