import { JOB_STATUS, type Reason, type StoredResult } from '@c2d/contracts'

export { REPORT_MALFORMED, REPORT_OUT_OF_TURN, TOKEN_REFUSED } from './channel.ts'

/** A statement for a bare `pg` client. */
export interface Statement {
  text: string
  values: unknown[]
}

/** How a configure step ends. */
export type ProvisioningOutcome = 'provisioned' | 'inputFailed' | 'algorithmFailed'

/**
 * The report of a configure pod (DESIGN §4.6): moves the job on, once; saying the same again changes nothing.
 * @param report.token the configure token of the job
 * @param report.reason why it failed; left out when provisioned
 * @param report.message one sentence for the operator; no address, no secret
 * @param report.staging manifest of what was staged, with hashes
 * @throws (when run) SQLSTATE `TOKEN_REFUSED`, `REPORT_MALFORMED` or `REPORT_OUT_OF_TURN`
 */
export function buildProvisioningReport(report: {
  jobId: string
  token: string
  outcome: ProvisioningOutcome
  reason?: Reason | undefined
  message?: string | undefined
  staging?: unknown
}): Statement {
  const { reason, message, staging } = report
  return {
    text: 'SELECT report_provisioning($1, $2, $3, $4::jsonb)',
    values: [report.jobId, report.token, JOB_STATUS[report.outcome].code, JSON.stringify({ reason, message, staging })],
  }
}

/**
 * The report of a publish pod: where outputs and logs went, in the order of their index.
 * @param report.token the publish token of the job
 * @throws (when run) SQLSTATE `TOKEN_REFUSED` or `REPORT_MALFORMED`
 */
export function buildOutputsReport(report: { jobId: string; token: string; outputs: StoredResult[] }): Statement {
  return {
    text: 'SELECT report_outputs($1, $2, $3::jsonb)',
    values: [report.jobId, report.token, JSON.stringify(report.outputs)],
  }
}

/**
 * A line for the job's timeline from a running step; at most 4 KiB, and dropped beyond a thousand lines a job.
 * @param report.token a live token of any step of the job
 * @throws (when run) SQLSTATE `TOKEN_REFUSED` or `REPORT_MALFORMED`
 */
export function buildProgressReport(report: {
  jobId: string
  token: string
  detail: Record<string, unknown>
}): Statement {
  return {
    text: 'SELECT report_progress($1, $2, $3::jsonb)',
    values: [report.jobId, report.token, JSON.stringify(report.detail)],
  }
}
