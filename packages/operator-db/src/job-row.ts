import {
  REASON_NAMES,
  isolationReceiptSchema,
  storedResultListSchema,
  storedWorkflowSchema,
  type IsolationReceipt,
  type JobStatusCode,
  type Reason,
  type StoredResult,
  type StoredWorkflow,
} from '@c2d/contracts'
import type { z } from 'zod'

/** A row of `jobs`, read. */
export interface JobRow {
  jobId: string
  agreementId: string
  owner: string
  /** Environment id; the original's column `namespace`. */
  environment: string
  status: JobStatusCode
  statusText: string
  /** Epoch seconds as text with six decimals, as status answers show it (operator-service-api §5). */
  dateCreated: string
  /** Set exactly when the job is finished; same form as `dateCreated`. */
  dateFinished: string | null
  outputs: StoredResult[] | null
  stopRequest: 0 | 1 | 2
  /** Null when the stored text cannot be read: such a row must not stop others. */
  workflow: StoredWorkflow | null
  chainId: number | null
  /** Epoch seconds until which the run is paid for. */
  validUntil: number | null
  /** The fencing token: raised by each claim and adoption (DESIGN §4.11). */
  epoch: number
  claimedBy: string | null
  reason: Reason | null
  exitCode: number | null
  /** What sealed the algorithm off; null before it ran, and where nothing was measured. */
  isolation: IsolationReceipt | null
  /** Manifest of what the configure step staged. */
  staging: unknown
}

/** A job as its columns come out of `JOB_COLUMNS`. */
export type StoredJob = Omit<JobRow, 'outputs' | 'workflow' | 'chainId' | 'reason' | 'isolation'> & {
  outputs: string | null
  workflow: string | null
  reason: string | null
  isolation: unknown
}

/** What to select of `jobs` for `parseJobRow`. Times are of the database, whose sessions speak UTC. */
export const JOB_COLUMNS = `
  jobs.workflowid AS "jobId",
  jobs.agreementid AS "agreementId",
  coalesce(jobs.owner, '') AS owner,
  coalesce(jobs.namespace, '') AS environment,
  jobs.status,
  coalesce(jobs.statustext, '') AS "statusText",
  extract(epoch FROM jobs.datecreated)::numeric(20, 6)::text AS "dateCreated",
  extract(epoch FROM jobs.datefinished)::numeric(20, 6)::text AS "dateFinished",
  jobs.outputsurl AS outputs,
  coalesce(jobs.stopreq, 0) AS "stopRequest",
  jobs.workflow,
  jobs.valid_until::float8 AS "validUntil",
  jobs.epoch,
  jobs.claimed_by AS "claimedBy",
  jobs.reason,
  jobs.exit_code AS "exitCode",
  jobs.isolation,
  jobs.staging`

/** Reads the texts of a stored job; what does not parse becomes null. */
export function parseJobRow(stored: StoredJob): JobRow {
  const workflow = parseStored(stored.workflow, storedWorkflowSchema)
  return {
    ...stored,
    workflow,
    outputs: parseStored(stored.outputs, storedResultListSchema),
    chainId: workflow?.spec.metadata.chainId ?? null,
    reason: REASON_NAMES.find((name) => name === stored.reason) ?? null,
    isolation: isolationReceiptSchema.safeParse(stored.isolation).data ?? null,
  }
}

/**
 * Renders JSON in ASCII only, as the original does: its readers connect with the client encoding LATIN9
 * (operator-service-api §3.3, §15 S-10).
 */
export function renderAsciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Reads JSON that a row holds; null where there is none or it is not of that shape. */
export function parseStored<S extends z.ZodType>(text: string | null, schema: S): z.output<S> | null {
  if (text === null) return null
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    // Whatever an adopted row or a foreign writer left there: unreadable is the same as absent.
    return null
  }
}
