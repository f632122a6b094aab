import type { JOB_STATUS, Reason, StoredResult } from '@c2d/contracts'
import type { Statement } from './statement.ts'

export { REPORT_MALFORMED, REPORT_OUT_OF_TURN, TOKEN_REFUSED } from './channel.ts'
export { openReporter, type Reporter } from './deliver-report.ts'
export type { Statement } from './statement.ts'

/** How a configure step may end. */
export type ProvisioningStatus = (typeof JOB_STATUS)['provisioned' | 'inputFailed' | 'algorithmFailed']['code']

/** What a configure pod says beside the status. Members of its own become the job's staging manifest. */
export interface ProvisioningDetail extends Record<string, unknown> {
  /** Why it failed; null or absent when provisioned. */
  reason?: Reason | null
  /** One sentence for the timeline; no address, no secret. */
  message?: string
}

/**
 * The report of a configure pod (DESIGN §4.6): moves the job on, once; saying the same again changes nothing.
 * @param report.token the configure token of the job
 * @throws (when run) SQLSTATE `TOKEN_REFUSED`, `REPORT_MALFORMED` or `REPORT_OUT_OF_TURN`
 */
export function reportProvisioning(report: {
  jobId: string
  token: string
  status: ProvisioningStatus
  detail: ProvisioningDetail
}): Statement {
  return {
    text: 'SELECT report_provisioning($1, $2, $3, $4::jsonb)',
    values: [report.jobId, report.token, report.status, JSON.stringify(report.detail)],
  }
}

/**
 * The report of a publish pod: where outputs and logs went, in the order of their index.
 * @param report.token the publish token of the job
 * @throws (when run) SQLSTATE `TOKEN_REFUSED` or `REPORT_MALFORMED`
 */
export function reportOutputs(report: { jobId: string; token: string; outputs: readonly StoredResult[] }): Statement {
  return {
    text: 'SELECT report_outputs($1, $2, $3::jsonb)',
    values: [report.jobId, report.token, JSON.stringify(report.outputs)],
  }
}

/**
 * What a publish pod says beside its list of outputs, and before it: keys of what it stored encrypted, and that some
 * outputs were refused, which becomes the job's reason where it has none. Saying the same again changes nothing.
 * @param report.keys 32 bytes each; an object keeps the key it came with
 * @param report.refusal one sentence for the timeline
 * @throws (when run) SQLSTATE `TOKEN_REFUSED` or `REPORT_MALFORMED`
 */
export function reportPublishing(report: {
  jobId: string
  token: string
  keys?: readonly { object: string; key: Buffer }[]
  refusal?: string | undefined
}): Statement {
  const detail = {
    keys: (report.keys ?? []).map(({ object, key }) => ({ object, key: key.toString('hex') })),
    ...(report.refusal === undefined ? {} : { reason: 'OutputRefused' satisfies Reason, message: report.refusal }),
  }
  return {
    text: 'SELECT report_publishing($1, $2, $3::jsonb)',
    values: [report.jobId, report.token, JSON.stringify(detail)],
  }
}

/**
 * A line for the job's timeline from a running step; at most 4 KiB, and dropped beyond a thousand lines a job.
 * @param report.token a live token of any step of the job
 * @throws (when run) SQLSTATE `TOKEN_REFUSED` or `REPORT_MALFORMED`
 */
export function reportProgress(report: { jobId: string; token: string; detail: Record<string, unknown> }): Statement {
  return {
    text: 'SELECT report_progress($1, $2, $3::jsonb)',
    values: [report.jobId, report.token, JSON.stringify(report.detail)],
  }
}
