/** Where changes of jobs are announced; without a payload, since nobody should trust one (DESIGN §4.6). */
export const JOBS_CHANNEL = 'c2d_jobs'

/** The role that pods report as: it may call the report functions and nothing else. */
export const POD_ROLE = 'c2d_pod'

/** What operator-service may do: queue jobs, ask for their end, read about them. */
export const SERVICE_ROLE = 'c2d_service'

/** What an engine may do: claim jobs, move them, and keep what belongs to that. */
export const ENGINE_ROLE = 'c2d_engine'

/** SQLSTATE of a report whose token is wrong, ended, of another job or of another step. */
export const TOKEN_REFUSED = 'C2D01'
/** SQLSTATE of a report that is malformed or too large. */
export const REPORT_MALFORMED = 'C2D02'
/** SQLSTATE of a provisioning report that comes when the job is not being configured (any more). */
export const REPORT_OUT_OF_TURN = 'C2D03'
