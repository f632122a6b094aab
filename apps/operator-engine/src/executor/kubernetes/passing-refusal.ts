/**
 * What an API server says that has just begun and has not read its rules yet, or does so for a controller: it may lack the
 * roles that let us in, the limits of a namespace, the accounts in it. A right that is missing for good reads the same.
 */
const PASSING =
  /cannot \w+ resource|not yet ready to handle request|error looking up service account|quota.* timed out/i

/** Whether a refusal may be none in a moment, so that no job is to be blamed for it. @param message the cluster's own words */
export function isPassingRefusal(message: string): boolean {
  return PASSING.test(message)
}
