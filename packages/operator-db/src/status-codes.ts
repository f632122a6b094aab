import { JOB_STATUS, type JobStatusName } from '@c2d/contracts'

/** The codes of some statuses, for bindings and check constraints. */
export function statusCodes(names: readonly JobStatusName[]): number[] {
  return names.map((name) => JOB_STATUS[name].code)
}

/** Every status of the table. */
export const ALL_STATUSES = Object.keys(JOB_STATUS) as JobStatusName[]
