import type { Knex } from 'knex'
import type { Database } from './connection.ts'

/**
 * Which nonces an address has spent. An unspent nonce within `window` below the highest one still passes, so that
 * concurrent requests do not fail for arriving out of order; each passes exactly once (DESIGN §4.5).
 */
export interface NonceLedger {
  /**
   * Spends a nonce in one statement.
   * @param nonce its literal decimal text, of any size
   * @returns whether it was fresh, and the highest nonce the address has spent
   */
  spend(address: string, nonce: string): Promise<{ fresh: boolean; highest: string }>
  /** The highest nonce an address has spent, or null for an address never seen. */
  highest(address: string): Promise<string | null>
}

/** Creates the ledger's two tables; part of a migration of the database that keeps it. */
export async function createNonceTables(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE nonce_highest (
      address text PRIMARY KEY CHECK (address = lower(address)),
      highest numeric NOT NULL
    );
    COMMENT ON TABLE nonce_highest IS 'The highest nonce each address has spent';
    CREATE TABLE nonce_spent (
      address text NOT NULL REFERENCES nonce_highest ON DELETE CASCADE,
      nonce numeric NOT NULL,
      PRIMARY KEY (address, nonce)
    );
    COMMENT ON TABLE nonce_spent IS 'Nonces spent within the window below the highest one; older ones are refused by the window';
  `)
}

/** Drops what `createNonceTables` made. */
export async function dropNonceTables(db: Knex): Promise<void> {
  await db.raw('DROP TABLE nonce_spent; DROP TABLE nonce_highest;')
}

// The upsert locks the address's row, so racing spends of one address queue up here; the primary key of
// nonce_spent then lets exactly one of two equal nonces through, whatever snapshot the statement runs on.
const SPEND = `
  WITH top AS (
    INSERT INTO nonce_highest (address, highest) VALUES (:address, :nonce::numeric)
    ON CONFLICT (address) DO UPDATE SET highest = greatest(nonce_highest.highest, excluded.highest)
    RETURNING highest
  ), spent AS (
    INSERT INTO nonce_spent (address, nonce)
    SELECT :address, :nonce::numeric FROM top WHERE :nonce::numeric > top.highest - :window::numeric
    ON CONFLICT DO NOTHING
    RETURNING nonce
  ), forgotten AS (
    DELETE FROM nonce_spent USING top
    WHERE nonce_spent.address = :address AND nonce_spent.nonce <= top.highest - :window::numeric
  )
  SELECT top.highest::text AS highest, EXISTS (SELECT 1 FROM spent) AS fresh FROM top`

/**
 * @param options.window how far below the highest nonce an unspent one still passes, in the nonce's own unit
 */
export function createNonceLedger(options: { window: string }, deps: { db: Database }): NonceLedger {
  return {
    async spend(address, nonce) {
      const bindings = { address: address.toLowerCase(), nonce, window: options.window }
      const { rows } = await deps.db.raw<{ rows: { highest: string; fresh: boolean }[] }>(SPEND, bindings)
      const row = rows[0]
      if (!row) throw new Error('spending a nonce returned no row')
      return row
    },
    async highest(address) {
      const row = await deps
        .db('nonce_highest')
        .where({ address: address.toLowerCase() })
        .first<{ highest: string } | undefined>(deps.db.raw('highest::text AS highest'))
      return row?.highest ?? null
    },
  }
}
