import type { Database } from '@c2d/postgres'
import type { Knex } from 'knex'

/** The signed texts that were accepted before. */
export interface SpentTexts {
  /**
   * Notes a text as used.
   * @param hash SHA-256 of the whole text, in hex
   * @returns false where it was used before
   */
  spend(hash: string): Promise<boolean>
}

/** Creates the table of spent texts; part of a migration. */
export async function createSpentTextTable(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE spent_texts (
      hash bytea PRIMARY KEY CHECK (length(hash) = 32),
      spent_at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE spent_texts IS 'SHA-256 of signed texts whose nonce could be read in more than one way';
    CREATE INDEX spent_texts_spent_at ON spent_texts (spent_at);
  `)
}

/** Drops what `createSpentTextTable` made. */
export async function dropSpentTextTable(db: Knex): Promise<void> {
  await db.raw('DROP TABLE spent_texts')
}

// By then the jobs that such texts name are gone.
const SPEND = `
  WITH dropped AS (DELETE FROM spent_texts WHERE spent_at < now() - interval '1 year')
  INSERT INTO spent_texts (hash) VALUES (decode(:hash, 'hex'))
  ON CONFLICT DO NOTHING
  RETURNING spent_at`

/** The spent texts of this provider, in its own database. */
export function createSpentTexts(deps: { db: Database }): SpentTexts {
  return {
    async spend(hash) {
      const { rows } = await deps.db.raw<{ rows: unknown[] }>(SPEND, { hash })
      return rows.length > 0
    },
  }
}
