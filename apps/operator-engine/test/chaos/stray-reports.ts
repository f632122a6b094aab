import { JOB_STATUS } from '@c2d/contracts'
import { loadJob } from '@c2d/operator-db'
import { reportOutputs, reportProvisioning, type Statement } from '@c2d/operator-db/reports'
import { openListener } from '@c2d/postgres'
import type { ChaosJob } from './chaos-job.ts'
import type { ChaosWorld } from './chaos-world.ts'
import type { Witness } from './witness.ts'

const MANIFEST = { files: [{ name: 'never staged' }] }
const OUTPUTS = [{ filename: 'forged', filesize: 1, url: 'nowhere', type: 'output' as const }]

/**
 * Sends reports that must change nothing: with a token nobody gave, with the token of another step, again when the
 * turn is over, and after the job's end.
 * @returns what went wrong: each line a report that was believed
 */
export async function sendStrayReports({ jobId }: ChaosJob, world: ChaosWorld, witness: Witness): Promise<string[]> {
  const forged = '0'.repeat(64)
  const configure = witness.tokenOf(jobId, 'configure') ?? forged
  const publish = witness.tokenOf(jobId, 'publish') ?? forged
  const before = await loadJob(world.db, jobId)
  const provisioned = { jobId, status: JOB_STATUS.provisioned.code, detail: MANIFEST }
  const attempts: [string, Statement][] = [
    ['a provisioning report with a forged token', reportProvisioning({ ...provisioned, token: forged })],
    ['a provisioning report with the token of publishing', reportProvisioning({ ...provisioned, token: publish })],
    ['outputs with a forged token', reportOutputs({ jobId, token: forged, outputs: OUTPUTS })],
    ['outputs with the token of configuring', reportOutputs({ jobId, token: configure, outputs: OUTPUTS })],
  ]
  // A status never comes back to these, so whatever is said from here on is late.
  if (before && before.status !== JOB_STATUS.warmingUp.code && before.status !== JOB_STATUS.configuring.code)
    attempts.push(['a provisioning report out of turn', reportProvisioning({ ...provisioned, token: configure })])
  if (before && before.dateFinished !== null)
    attempts.push(['outputs of a finished job', reportOutputs({ jobId, token: publish, outputs: OUTPUTS })])

  const client = await openListener({ url: world.databaseUrl, applicationName: 'chaos reports' })
  client.on('error', () => undefined) // the query that is cut off rejects as well
  try {
    const believed: string[] = []
    for (const [what, { text, values }] of attempts)
      if (await client.query(text, values).then(() => true, isRefusalExpected)) believed.push(`${what} was believed`)
    // The same outputs again are no news, and no error.
    if (before?.outputs && before.dateFinished === null)
      await client.query(reportOutputs({ jobId, token: publish, outputs: before.outputs })).catch(isRefusalExpected)
    return believed
  } finally {
    await client.end()
  }
}

/** A refusal is what a stray report should get; anything else is the weather, and the caller's to retry. */
function isRefusalExpected(error: unknown): false {
  if (/^C2D0/.test((error as { code?: string }).code ?? '')) return false
  throw error
}
