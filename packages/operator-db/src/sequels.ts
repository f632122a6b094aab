import type { JobAsset, JobProof } from '@c2d/contracts'
import type { Database } from '@c2d/postgres'

/** What came after the end of a job; absent is what there is none of (yet). */
export interface JobSequel {
  proof?: JobProof
  asset?: JobAsset
}

interface StoredTransaction {
  /** `anchor <job> <order> <datatoken>`, or `asset <job> <step>`. */
  purpose: string
  hash: string
  state: 'sent' | 'mined' | 'reverted'
}

interface StoredSequel {
  jobId: string
  proof: { sha256: string; keyAddress: string; signedAtMs: number } | null
  anchorDue: boolean | null
  anchorNote: string | null
  asset: Pick<JobAsset, 'state' | 'did' | 'nft' | 'datatoken' | 'note'> | null
  transactions: StoredTransaction[] | null
}

/** Proofs and assets of several jobs at once, by job id; a job without either is absent. */
export async function listSequels(db: Database, jobIds: readonly string[]): Promise<Map<string, JobSequel>> {
  if (jobIds.length === 0) return new Map()
  const { rows } = await db.raw<{ rows: StoredSequel[] }>(
    `SELECT asked.job_id AS "jobId",
       CASE WHEN proofs.job_id IS NOT NULL THEN jsonb_build_object(
         'sha256', encode(sha256(decode(envelope ->> 'payload', 'base64')), 'hex'),
         'keyAddress', envelope #>> '{signatures,0,keyid}',
         'signedAtMs', round(extract(epoch FROM proofs.created_at) * 1000)) END AS proof,
       anchor_due AS "anchorDue", anchor_note AS "anchorNote",
       CASE WHEN assets.job_id IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object(
         'state', state, 'did', did, 'nft', nft, 'datatoken', datatoken,
         'note', CASE WHEN state = 'refused' THEN note END)) END AS asset,
       (SELECT jsonb_agg(jsonb_build_object('purpose', purpose, 'hash', hashes[1], 'state', sent.state) ORDER BY nonce)
        FROM chain_transactions AS sent WHERE sent.job_id = asked.job_id) AS transactions
     FROM unnest(:jobIds::text[]) AS asked (job_id)
     LEFT JOIN proofs ON proofs.job_id = asked.job_id
     LEFT JOIN derived_assets AS assets ON assets.job_id = asked.job_id
     WHERE proofs.job_id IS NOT NULL OR assets.job_id IS NOT NULL`,
    { jobIds },
  )
  return new Map(rows.map((row) => [row.jobId, readSequel(row)]))
}

/** Whether nothing is owed any more of a job that ended: no proof, no anchor, no asset. */
export async function isSettled(db: Database, jobId: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: { isSettled: boolean }[] }>(
    `SELECT datefinished IS NOT NULL AND NOT proof_due
       AND NOT EXISTS (SELECT 1 FROM proofs WHERE job_id = :jobId AND anchor_due)
       AND NOT EXISTS (SELECT 1 FROM derived_assets WHERE job_id = :jobId AND state = 'due') AS "isSettled"
     FROM jobs WHERE workflowid = :jobId`,
    { jobId },
  )
  return rows[0]?.isSettled ?? true
}

function readSequel({ proof, asset, transactions, anchorDue, anchorNote }: StoredSequel): JobSequel {
  const sent = (transactions ?? []).map(({ purpose, ...rest }) => ({ words: purpose.split(' '), ...rest }))
  const anchored = sent.flatMap(({ words: [kind, , orderTxId = '', datatoken = ''], hash, state }) =>
    kind === 'anchor' ? [{ orderTxId, datatoken, hash, state }] : [],
  )
  const steps = sent.flatMap(({ words: [kind, , step = ''], hash }) =>
    kind === 'asset' ? [[step, hash] as const] : [],
  )
  const anchor = {
    state: anchorDue === true ? ('due' as const) : ('settled' as const),
    ...(anchorNote === null ? {} : { note: anchorNote }),
    transactions: anchored,
  }
  const isAnchored = anchorDue === true || anchorNote !== null || anchored.length > 0
  return {
    ...(proof ? { proof: { ...proof, ...(isAnchored ? { anchor } : {}) } } : {}),
    ...(asset ? { asset: { ...asset, transactions: Object.fromEntries(steps) } } : {}),
  }
}
