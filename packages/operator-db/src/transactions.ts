import type { Database } from '@c2d/postgres'

/** A transaction that a wallet of the operator sent, or will. */
export interface ChainTransaction {
  /** What it is for: there is one transaction a purpose, ever. */
  purpose: string
  jobId: string
  chainId: number
  /** Lower case. */
  wallet: string
  nonce: number
  target: string
  data: string
  gasLimit: bigint
  /** As it was signed last; 0x and hex. */
  raw: string
  /** Of everything that was signed with this nonce, newest first. */
  hashes: string[]
  /** `sent` until it is buried deep enough to stay. */
  state: 'sent' | 'mined' | 'reverted'
  blockNumber: number | null
  /** Epoch milliseconds. */
  signedAtMs: number
}

interface Signed {
  raw: string
  hash: string
}

type StoredTransaction = Omit<ChainTransaction, 'gasLimit'> & { gasLimit: string }

const COLUMNS = `purpose, job_id AS "jobId", chain_id::float8 AS "chainId", wallet, nonce::float8 AS nonce, target, data,
  gas_limit::text AS "gasLimit", raw, hashes, state, block_number::float8 AS "blockNumber",
  (extract(epoch FROM signed_at) * 1000)::float8 AS "signedAtMs"`

const parse = (row: StoredTransaction): ChainTransaction => ({ ...row, gasLimit: BigInt(row.gasLimit) })

/** The transaction of a purpose; null where none was opened. */
export async function loadTransaction(db: Database, purpose: string): Promise<ChainTransaction | null> {
  const { rows } = await db.raw<{ rows: StoredTransaction[] }>(
    `SELECT ${COLUMNS} FROM chain_transactions WHERE purpose = :purpose`,
    { purpose },
  )
  return rows[0] ? parse(rows[0]) : null
}

/** Every transaction of a job, in the order in which they were opened. */
export async function listTransactions(db: Database, jobId: string): Promise<ChainTransaction[]> {
  const { rows } = await db.raw<{ rows: StoredTransaction[] }>(
    `SELECT ${COLUMNS} FROM chain_transactions WHERE job_id = :jobId ORDER BY chain_id, wallet, nonce`,
    { jobId },
  )
  return rows.map(parse)
}

/**
 * Opens the transaction of a purpose: takes the wallet's next nonce, has it signed, and keeps it, all or nothing. Where
 * there is one already, that one is given and nothing is signed.
 * @param wanted.firstNonce what the chain says the wallet's next nonce is: it may have been used elsewhere
 * @param sign called with the nonce, while the wallet is locked
 */
export async function openTransaction(
  db: Database,
  wanted: Pick<ChainTransaction, 'purpose' | 'jobId' | 'chainId' | 'wallet' | 'target' | 'data' | 'gasLimit'> & {
    firstNonce: number
  },
  sign: (nonce: number) => Promise<Signed>,
): Promise<ChainTransaction> {
  return db.transaction(async (transaction) => {
    const place = { chainId: wanted.chainId, wallet: wanted.wallet.toLowerCase() }
    const nonce = await lockWallet(transaction, place, wanted.firstNonce)
    const known = await loadTransaction(transaction, wanted.purpose)
    if (known) return known
    const { raw, hash } = await sign(nonce)
    await giveNonceAway(transaction, place, nonce)
    const { rows: opened } = await transaction.raw<{ rows: StoredTransaction[] }>(
      `INSERT INTO chain_transactions (purpose, job_id, chain_id, wallet, nonce, target, data, gas_limit, raw, hashes)
       VALUES (:purpose, :jobId, :chainId, :wallet, :nonce, :target, :data, :gasLimit, :raw, ARRAY[:hash])
       RETURNING ${COLUMNS}`,
      {
        ...place,
        purpose: wanted.purpose,
        jobId: wanted.jobId,
        target: wanted.target,
        data: wanted.data,
        gasLimit: String(wanted.gasLimit),
        nonce,
        raw,
        hash,
      },
    )
    return parse(opened[0] as StoredTransaction)
  })
}

/**
 * Takes transactions of a wallet that are under way and due to be looked at, lowest nonce first, for one caller each.
 * @param options.leaseSeconds longer than a look takes
 */
export async function takeDueTransactions(
  db: Database,
  options: { chainId: number; wallet: string; leaseSeconds: number; limit: number },
): Promise<ChainTransaction[]> {
  const { rows } = await db.raw<{ rows: StoredTransaction[] }>(
    `WITH due AS (
       SELECT purpose AS due_purpose FROM chain_transactions
       WHERE state = 'sent' AND next_at <= clock_timestamp() AND chain_id = :chainId AND wallet = :wallet
       ORDER BY nonce LIMIT :limit FOR UPDATE SKIP LOCKED
     )
     UPDATE chain_transactions SET next_at = clock_timestamp() + make_interval(secs => :leaseSeconds)
     FROM due WHERE purpose = due_purpose
     RETURNING ${COLUMNS}`,
    { ...options, wallet: options.wallet.toLowerCase() },
  )
  return rows.map(parse).sort((a, b) => a.nonce - b.nonce)
}

/**
 * Keeps another signature of a transaction, with the same nonce and better fees, before it is sent.
 * @returns false when somebody else settled or signed it meanwhile: nothing changed, and nothing may be sent
 */
export async function keepReplacement(db: Database, replaced: ChainTransaction, signed: Signed): Promise<boolean> {
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `UPDATE chain_transactions SET raw = :raw, hashes = array_prepend(:hash, hashes), signed_at = clock_timestamp()
     WHERE purpose = :purpose AND state = 'sent' AND hashes[1] = :before`,
    { raw: signed.raw, hash: signed.hash, purpose: replaced.purpose, before: replaced.hashes[0] ?? '' },
  )
  return rowCount === 1
}

/** Writes down how a transaction ended for good, with an event of its job. Safe to repeat. */
export async function settleTransaction(
  db: Database,
  settled: { purpose: string; state: 'mined' | 'reverted'; hash: string; blockNumber: number; by: string },
): Promise<boolean> {
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `WITH settled AS (
       UPDATE chain_transactions SET state = :state, block_number = :blockNumber, last_error = NULL,
         hashes = array_prepend(:hash, array_remove(hashes, :hash))
       WHERE purpose = :purpose AND state = 'sent' RETURNING job_id, purpose
     )
     INSERT INTO job_events (job_id, what, by_whom, detail)
     SELECT job_id, 'transaction', :by, jsonb_build_object('purpose', purpose, 'state', :state::text, 'hash', :hash::text)
     FROM settled`,
    settled,
  )
  return rowCount === 1
}

/** When to look at a transaction again, and what was wrong, for an operator who looks. */
export async function postponeTransaction(
  db: Database,
  later: { purpose: string; inSeconds: number; error: string | null },
): Promise<void> {
  await db.raw(
    `UPDATE chain_transactions SET next_at = clock_timestamp() + make_interval(secs => :inSeconds::float8),
       last_error = left(:error, 1000)
     WHERE purpose = :purpose AND state = 'sent'`,
    later,
  )
}

/**
 * Signs a transaction anew whose nonce was used by something else: with the wallet's next one, all or nothing. A nonce that
 * was given away and then not used would hold up every later one for ever.
 * @returns the new signature, or null when somebody else settled or signed it meanwhile
 */
export async function renewTransaction(
  db: Database,
  lost: ChainTransaction,
  firstNonce: number,
  sign: (nonce: number) => Promise<Signed>,
): Promise<Signed | null> {
  return db.transaction(async (transaction) => {
    const place = { chainId: lost.chainId, wallet: lost.wallet }
    const nonce = await lockWallet(transaction, place, firstNonce)
    const now = await loadTransaction(transaction, lost.purpose)
    if (now?.state !== 'sent' || now.hashes[0] !== lost.hashes[0]) return null
    const signed = await sign(nonce)
    await giveNonceAway(transaction, place, nonce)
    await transaction.raw(
      `UPDATE chain_transactions SET raw = :raw, nonce = :nonce, hashes = ARRAY[:hash], signed_at = clock_timestamp()
       WHERE purpose = :purpose`,
      { ...signed, nonce, purpose: lost.purpose },
    )
    return signed
  })
}

/**
 * The lowest nonce of a transaction of a wallet that is under way.
 * @param place.fromNonce lower ones do not count
 * @returns null where there is none
 */
export async function findNonceUnderWay(
  db: Database,
  place: { chainId: number; wallet: string; fromNonce: number },
): Promise<number | null> {
  const { rows } = await db.raw<{ rows: { nonce: number | null }[] }>(
    `SELECT min(nonce)::float8 AS nonce FROM chain_transactions
     WHERE state = 'sent' AND chain_id = :chainId AND wallet = :wallet AND nonce >= :fromNonce`,
    { ...place, wallet: place.wallet.toLowerCase() },
  )
  return rows[0]?.nonce ?? null
}

/**
 * Takes a settled transaction up again that the chain took back after all: it is under way as it was, with the signatures
 * that it has. Safe to repeat.
 * @returns its purpose; null where no transaction with this nonce was settled
 */
export async function reopenTransaction(
  db: Database,
  place: { chainId: number; wallet: string; nonce: number },
): Promise<string | null> {
  const { rows } = await db.raw<{ rows: { purpose: string }[] }>(
    `UPDATE chain_transactions SET state = 'sent', block_number = NULL, signed_at = clock_timestamp(),
       next_at = clock_timestamp()
     WHERE state <> 'sent' AND chain_id = :chainId AND wallet = :wallet AND nonce = :nonce RETURNING purpose`,
    { ...place, wallet: place.wallet.toLowerCase() },
  )
  return rows[0]?.purpose ?? null
}

/** Keeps others from a wallet until the transaction ends. @returns its next nonce */
async function lockWallet(
  transaction: Database,
  place: { chainId: number; wallet: string },
  firstNonce: number,
): Promise<number> {
  await transaction.raw(
    `INSERT INTO chain_wallets (chain_id, address, next_nonce) VALUES (:chainId, :wallet, 0) ON CONFLICT DO NOTHING`,
    place,
  )
  const { rows } = await transaction.raw<{ rows: { nonce: number }[] }>(
    `SELECT greatest(next_nonce, :firstNonce)::float8 AS nonce FROM chain_wallets
     WHERE chain_id = :chainId AND address = :wallet FOR UPDATE`,
    { ...place, firstNonce },
  )
  return rows[0]?.nonce ?? firstNonce
}

async function giveNonceAway(
  transaction: Database,
  place: { chainId: number; wallet: string },
  nonce: number,
): Promise<void> {
  await transaction.raw('UPDATE chain_wallets SET next_nonce = :next WHERE chain_id = :chainId AND address = :wallet', {
    ...place,
    next: nonce + 1,
  })
}
