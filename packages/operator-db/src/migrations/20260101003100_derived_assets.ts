import type { Migration } from '@c2d/postgres'
import { ENGINE_ROLE, SERVICE_ROLE } from '../channel.ts'

/** Results that become assets: how far each is. What was sent to the chain is in chain_transactions. */
export const derivedAssets: Migration = {
  name: '20260101003100_derived_assets',
  async up(db) {
    await db.raw(`
      CREATE TABLE derived_assets (
        job_id text PRIMARY KEY,
        environment text NOT NULL,
        state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'published', 'refused')),
        size_bytes bigint NOT NULL,
        token_sha256 text NOT NULL,
        did text,
        nft text,
        datatoken text,
        note text,
        created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
        next_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
        CHECK (state <> 'published' OR (did IS NOT NULL AND nft IS NOT NULL AND datatoken IS NOT NULL))
      );
      COMMENT ON TABLE derived_assets IS 'Results that become assets of their consumers; they are kept as long as they are here';
      COMMENT ON COLUMN derived_assets.token_sha256 IS 'Of what the file objects of the asset show to read the results';
      CREATE INDEX derived_assets_due ON derived_assets (next_at) WHERE state = 'due';
      CREATE INDEX derived_assets_by_environment ON derived_assets (environment) WHERE state <> 'refused';
      GRANT SELECT, INSERT, UPDATE (state, did, nft, datatoken, note, next_at) ON derived_assets TO ${ENGINE_ROLE};
      GRANT SELECT ON derived_assets TO ${SERVICE_ROLE};
    `)
  },
  async down(db) {
    await db.raw('DROP TABLE derived_assets')
  },
}
