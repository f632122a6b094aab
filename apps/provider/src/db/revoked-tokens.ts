import type { Database } from '@c2d/postgres'
import type { Knex } from 'knex'

/** The auth tokens that were taken back and have not expired by themselves yet. */
export interface RevokedTokens {
  /**
   * Remembers a token as revoked until it expires.
   * @param hash SHA-256 of the token's text, in hex: the table must not be a list of tokens
   * @param expiresAt epoch seconds
   * @returns false where it was revoked before
   */
  revoke(hash: string, expiresAt: number): Promise<boolean>
  isRevoked(hash: string): Promise<boolean>
}

/** Creates the table of revoked tokens; part of a migration. */
export async function createRevokedTokenTable(db: Knex): Promise<void> {
  await db.raw(`
    CREATE TABLE revoked_auth_tokens (
      hash text PRIMARY KEY CHECK (hash ~ '^[0-9a-f]{64}$'),
      expires_at timestamptz NOT NULL
    );
    COMMENT ON TABLE revoked_auth_tokens IS 'SHA-256 of auth tokens that were revoked; rows of expired ones are dropped';
    CREATE INDEX revoked_auth_tokens_expires_at ON revoked_auth_tokens (expires_at);
  `)
}

/** Drops what `createRevokedTokenTable` made. */
export async function dropRevokedTokenTable(db: Knex): Promise<void> {
  await db.raw('DROP TABLE revoked_auth_tokens')
}

// An hour late, so that no clock that is a little behind the database's takes a dropped row for a live token.
const REVOKE = `
  WITH dropped AS (DELETE FROM revoked_auth_tokens WHERE expires_at < now() - interval '1 hour')
  INSERT INTO revoked_auth_tokens (hash, expires_at) VALUES (:hash, to_timestamp(:expiresAt))
  ON CONFLICT DO NOTHING
  RETURNING hash`

/** The revoked tokens of this provider, in its own database. */
export function createRevokedTokens(deps: { db: Database }): RevokedTokens {
  return {
    async revoke(hash, expiresAt) {
      const { rows } = await deps.db.raw<{ rows: unknown[] }>(REVOKE, { hash, expiresAt })
      return rows.length > 0
    },
    async isRevoked(hash) {
      return (await deps.db('revoked_auth_tokens').where({ hash }).first('hash')) !== undefined
    },
  }
}
