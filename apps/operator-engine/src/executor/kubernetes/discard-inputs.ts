import { buildDiscardJob, buildOwner } from './build-objects.ts'
import type { ClusterClient } from './cluster-client.ts'
import { makeObject } from './make-object.ts'
import { buildJobName } from './names.ts'
import { buildPath } from './paths.ts'
import type { PreparedJob } from './prepared-job.ts'
import { readStep } from './read-step.ts'
import { parseJob } from './views.ts'

const DISCARD_MS = 300_000
const LOOK_AGAIN_MS = 5_000

/**
 * Empties what was fetched for a job, by a small Job of ours; returns when it has ended.
 * @param image of that Job
 * @throws Error when it failed, or did not end within five minutes
 */
export async function discardInputs(
  { anchor, environment, room }: PreparedJob,
  image: string,
  deps: { client: ClusterClient; nextMove: (jobId: string, timeoutMs: number) => Promise<void> },
): Promise<void> {
  const { client, nextMove } = deps
  const { jobId } = anchor
  const job = buildDiscardJob({ jobId, environment, image }, buildOwner(anchor))
  room.jobs.take((await makeObject('jobs', job, parseJob, client)).made)
  const giveUpAtMs = Date.now() + DISCARD_MS
  for (;;) {
    const objects = room.findAttempt(jobId, 'discard', 1)
    if (!objects) return // removed meanwhile
    const state = readStep(objects)
    if (state.phase === 'ended') {
      if (state.exitCode === 0) return
      // Made anew by whoever asks next.
      await client.delete(buildPath(room.namespace, 'jobs', buildJobName(jobId, 'discard', 1)), {
        propagationPolicy: 'Background',
      })
      throw new Error(`the inputs of job ${jobId} could not be discarded: ${state.message ?? state.exitCode}`)
    }
    if (Date.now() > giveUpAtMs) throw new Error(`the inputs of job ${jobId} are not discarded in time`)
    await nextMove(jobId, LOOK_AGAIN_MS)
  }
}
