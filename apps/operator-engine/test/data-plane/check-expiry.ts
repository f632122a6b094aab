import { expect } from '@jest/globals'
import { waitUntil } from '../integration/executor-conformance.ts'
import type { EngineWorld } from '../integration/support/engine-world.ts'
import { fetchText } from './consumer.ts'
import type { DataPlane } from './data-plane.ts'

const PATIENCE_MS = 120_000

/** Lets the time of a job's results be over: nothing of them is left in either place, and who asks is told why. */
export async function checkExpiry(jobId: string, plane: DataPlane, world: EngineWorld): Promise<void> {
  const { bucket } = plane
  const prefix = `${bucket.target.prefix}${jobId}/`
  expect(await bucket.keysBelow(prefix)).not.toEqual([])
  expect(await plane.node.pinsOf(jobId)).not.toEqual([])
  await world
    .db('jobs')
    .where({ workflowid: jobId })
    .update({ results_expire_at: world.db.raw('now()') })
  await waitUntil(async () => (await world.eventsOf(jobId)).includes('resultsExpired'), PATIENCE_MS)
  expect([await bucket.keysBelow(prefix), await plane.node.pinsOf(jobId)]).toEqual([[], []])
  for (const address of Object.values(plane.doorsTo(jobId))) {
    const expired = [404, expect.stringContaining(`The results of job ${jobId} have expired and were removed`)]
    expect(await fetchText(address(0))).toEqual(expired)
  }
}
