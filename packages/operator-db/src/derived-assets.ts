import type { Database } from '@c2d/postgres'

/** How far the results of a job are on their way to an asset. */
export interface DerivedAssetRow {
  jobId: string
  state: 'due' | 'published' | 'refused'
  did: string | null
  nft: string | null
  datatoken: string | null
  /** Why it is not published (yet), for an operator who looks. */
  note: string | null
}

/**
 * Notes that the results of a job are to become an asset, once, and keeps them from expiring.
 * @param asset.sizeBytes what they take of the environment's storage
 * @param asset.tokenSha256 of the token that the asset's files will show
 */
export async function owePublication(
  db: Database,
  asset: { jobId: string; environment: string; sizeBytes: number; tokenSha256: string },
): Promise<void> {
  await db.raw(
    `WITH owed AS (
       INSERT INTO derived_assets (job_id, environment, size_bytes, token_sha256)
       VALUES (:jobId, :environment, :sizeBytes, :tokenSha256) ON CONFLICT DO NOTHING RETURNING job_id
     )
     UPDATE jobs SET results_expire_at = NULL FROM owed WHERE workflowid = owed.job_id`,
    asset,
  )
}

/** The asset of a job; null where there is none. */
export async function loadDerivedAsset(db: Database, jobId: string): Promise<DerivedAssetRow | null> {
  const { rows } = await db.raw<{ rows: DerivedAssetRow[] }>(
    `SELECT job_id AS "jobId", state, did, nft, datatoken, note FROM derived_assets WHERE job_id = :jobId`,
    { jobId },
  )
  return rows[0] ?? null
}

/** Whether a token opens the results of a job: only the asset that an engine made of them shows it. */
export async function opensResults(db: Database, claim: { jobId: string; token: string }): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `SELECT 1 FROM derived_assets
     WHERE job_id = :jobId AND state <> 'refused' AND token_sha256 = encode(sha256(convert_to(:token, 'UTF8')), 'hex')`,
    claim,
  )
  return rows.length > 0
}

/** Bytes that assets of each environment take up, those under way included; absent is none. */
export async function sumDerivedBytes(db: Database, environments: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await db.raw<{ rows: { environment: string; bytes: number }[] }>(
    `SELECT environment, sum(size_bytes)::float8 AS bytes FROM derived_assets
     WHERE environment = ANY (:environments) AND state <> 'refused' GROUP BY environment`,
    { environments },
  )
  return new Map(rows.map(({ environment, bytes }) => [environment, bytes]))
}

/**
 * Takes assets that are due for their next step, for one caller each.
 * @param options.leaseSeconds after which they are due again: longer than a step takes
 */
export async function takeDueAssets(
  db: Database,
  options: { environments: readonly string[]; leaseSeconds: number; limit: number },
): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { jobId: string }[] }>(
    `WITH taken AS (
       SELECT job_id AS taken_id FROM derived_assets
       WHERE state = 'due' AND next_at <= clock_timestamp() AND environment = ANY (:environments)
       ORDER BY next_at LIMIT :limit FOR UPDATE SKIP LOCKED
     )
     UPDATE derived_assets SET next_at = clock_timestamp() + make_interval(secs => :leaseSeconds)
     FROM taken WHERE job_id = taken_id RETURNING job_id AS "jobId"`,
    options,
  )
  return rows.map(({ jobId }) => jobId)
}

/** When to look at an asset again, and what it waits for. */
export async function postponeAsset(
  db: Database,
  later: { jobId: string; inSeconds: number; note: string | null },
): Promise<void> {
  await db.raw(
    `UPDATE derived_assets SET next_at = clock_timestamp() + make_interval(secs => :inSeconds::float8),
       note = left(:note, 1000)
     WHERE job_id = :jobId AND state = 'due'`,
    later,
  )
}

/** Writes down that an asset is its owner's, with the event `assetPublished`. Safe to repeat. */
export async function settleAsset(
  db: Database,
  asset: { jobId: string; did: string; nft: string; datatoken: string; by: string; detail: Record<string, unknown> },
): Promise<void> {
  await db.raw(
    `WITH settled AS (
       UPDATE derived_assets SET state = 'published', did = :did, nft = :nft, datatoken = :datatoken, note = NULL
       WHERE job_id = :jobId AND state = 'due' RETURNING job_id
     )
     INSERT INTO job_events (job_id, what, by_whom, detail)
     SELECT job_id, 'assetPublished', :by, :detail::jsonb FROM settled`,
    { ...asset, detail: JSON.stringify(asset.detail) },
  )
}

/** Writes down that there will be no asset, and why, with the event `assetRefused`; results may expire again. */
export async function refuseAsset(
  db: Database,
  refused: { jobId: string; note: string; by: string; resultsKeptSeconds: number },
): Promise<void> {
  await db.raw(
    `WITH refused AS (
       UPDATE derived_assets SET state = 'refused', note = left(:note, 1000)
       WHERE job_id = :jobId AND state = 'due' RETURNING job_id
     ), kept AS (
       UPDATE jobs SET results_expire_at = clock_timestamp() + make_interval(secs => nullif(:resultsKeptSeconds::float8, 0))
       FROM refused WHERE workflowid = refused.job_id
     )
     INSERT INTO job_events (job_id, what, by_whom, detail)
     SELECT job_id, 'assetRefused', :by, jsonb_build_object('note', :note::text) FROM refused`,
    refused,
  )
}
