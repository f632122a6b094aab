import { jobsWithoutRow, loadJob } from '@c2d/operator-db'
import { toError } from '@c2d/runtime'
import { reconcile, type ReconcileDeps } from '../reconcile.ts'

/**
 * What exists of jobs that no row needs: left by a crash between the end of a job and its removal, or kept for a
 * while because it could not be published. One that cannot be removed now stops none of the others.
 * @param isHeld jobs of this engine are cleared away by their own passes
 */
export async function removeOrphans(isHeld: (jobId: string) => boolean, deps: ReconcileDeps): Promise<void> {
  const present = (await deps.executor.list()).filter((jobId) => !isHeld(jobId))
  for (const jobId of await jobsWithoutRow(deps.db, present)) {
    try {
      await removeOrphan(jobId, deps)
    } catch (thrown) {
      deps.log.error({ jobId, err: toError(thrown) }, 'could not remove what a job left behind')
    }
  }
}

async function removeOrphan(jobId: string, deps: ReconcileDeps): Promise<void> {
  const job = await loadJob(deps.db, jobId)
  const { prepared } = await deps.executor.observe(jobId)
  if (prepared && job && deps.environments.has(job.environment)) {
    await reconcile(jobId, null, deps)
    return
  }
  deps.log.info({ jobId }, 'removing what is left of a job')
  await deps.executor.remove(jobId)
}
