import { signText } from '@c2d/chain'
import type { StoredWorkflow } from '@c2d/contracts'
import type { Secret } from '@c2d/runtime'

/** What a receiver is told of a job, by the reference's names (operator-engine-behaviour §10). */
export interface Notification {
  algoDID: string | null
  jobId: string
  secret: string
  /** Ids of the datasets. */
  DID: string[]
  signature: string
}

/**
 * Builds and signs what is told of a job (operator-engine-behaviour §10): signed are the JSON texts of `secret`, `DID`,
 * `jobId` and `algoDID`, one after the other, as an EIP-191 message of the environment's key.
 * @param workflow null where the row cannot be read: then only the job's id is told
 */
export function buildNotification(
  jobId: string,
  workflow: StoredWorkflow | null,
  environmentKey: Secret,
): Notification {
  const stage = workflow?.spec.metadata.stages[0]
  const secret = workflow?.metadata.secret ?? ''
  const dids = (stage?.input ?? []).flatMap((input) => (input.id ? [input.id] : []))
  const algoDid = stage?.algorithm.id ?? null
  const signed = [jsonText(secret), `[${dids.map(jsonText).join(', ')}]`, jsonText(jobId), jsonText(algoDid)].join('')
  return { algoDID: algoDid, jobId, secret, DID: dids, signature: signText(signed, environmentKey.reveal()) }
}

/** JSON as the reference writes it: ASCII only. */
function jsonText(value: string | null): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
