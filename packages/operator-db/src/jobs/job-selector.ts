/** Which jobs are meant: every given member must fit. */
export interface JobFilter {
  /** Address of the consumer, in any casing. */
  owner?: string | undefined
  /** Order transaction, with or without 0x, in any casing. */
  agreementId?: string | undefined
  jobId?: string | undefined
}

const CONDITIONS = {
  owner: 'lower(jobs.owner) = lower(:owner)',
  agreementId: `lower(regexp_replace(jobs.agreementid, '^0x', '', 'i')) = lower(regexp_replace(:agreementId, '^0x', '', 'i'))`,
  jobId: 'jobs.workflowid = :jobId',
}

/**
 * The condition of a selection, and its bindings.
 * @throws RangeError when nothing is selected by: that would mean every job of everybody
 */
export function buildCondition(filter: JobFilter): { condition: string; bindings: Record<string, string> } {
  const conditions: string[] = []
  const bindings: Record<string, string> = {}
  for (const name of ['owner', 'agreementId', 'jobId'] as const) {
    const value = filter[name]
    if (value === undefined) continue
    conditions.push(CONDITIONS[name])
    bindings[name] = value
  }
  if (conditions.length === 0) throw new RangeError('a selection of jobs needs an owner, an agreement or a job id')
  return { condition: conditions.join(' AND '), bindings }
}
