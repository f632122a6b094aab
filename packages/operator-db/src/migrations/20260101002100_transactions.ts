import type { Migration } from '@c2d/postgres'
import { ENGINE_ROLE } from '../channel.ts'

/**
 * What wallets of the operator send to a chain. A transaction is here, signed, before it is ever sent: whoever comes
 * after a crash sends the same one again, and it happens once.
 */
export const transactions: Migration = {
  name: '20260101002100_transactions',
  async up(db) {
    await db.raw(`
      CREATE TABLE chain_wallets (
        chain_id bigint NOT NULL,
        address text NOT NULL CHECK (address = lower(address)),
        next_nonce bigint NOT NULL,
        PRIMARY KEY (chain_id, address)
      );
      COMMENT ON TABLE chain_wallets IS 'The row of a wallet is locked while a nonce of it is given away';

      CREATE TABLE chain_transactions (
        purpose text PRIMARY KEY,
        job_id text NOT NULL,
        chain_id bigint NOT NULL,
        wallet text NOT NULL,
        nonce bigint NOT NULL,
        target text NOT NULL,
        data text NOT NULL,
        gas_limit bigint NOT NULL,
        raw text NOT NULL,
        hashes text[] NOT NULL CHECK (cardinality(hashes) > 0),
        state text NOT NULL DEFAULT 'sent' CHECK (state IN ('sent', 'mined', 'reverted')),
        block_number bigint CHECK ((block_number IS NULL) = (state = 'sent')),
        signed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
        next_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
        last_error text,
        UNIQUE (chain_id, wallet, nonce)
      );
      COMMENT ON TABLE chain_transactions IS 'What wallets of the operator sent, once a purpose';
      COMMENT ON COLUMN chain_transactions.hashes IS 'Newest first: replacements have the same nonce, so one of them is mined';
      CREATE INDEX chain_transactions_due ON chain_transactions (chain_id, wallet, nonce) WHERE state = 'sent';
      CREATE INDEX chain_transactions_by_job ON chain_transactions (job_id);
      GRANT SELECT, INSERT, UPDATE ON chain_wallets, chain_transactions TO ${ENGINE_ROLE};
    `)
  },
  async down(db) {
    await db.raw('DROP TABLE chain_transactions; DROP TABLE chain_wallets')
  },
}
