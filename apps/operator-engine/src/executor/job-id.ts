const JOB_ID = /^[0-9a-f]{32}$/

/** Whether a text is a job id: 32 lower-case hex characters. */
export function isJobId(text: string): boolean {
  return JOB_ID.test(text)
}

/**
 * Refuses anything that is not a job id, before it becomes the name of a folder or of a cluster object.
 * @throws TypeError naming the offending text
 */
export function assertJobId(text: string): void {
  if (!isJobId(text)) throw new TypeError(`not a job id: ${JSON.stringify(text.slice(0, 64))}`)
}
