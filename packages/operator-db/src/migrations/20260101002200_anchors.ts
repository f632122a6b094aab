import type { Migration } from '@c2d/postgres'
import { ENGINE_ROLE } from '../channel.ts'

/** Which proofs are still to be written to their chain. */
export const anchors: Migration = {
  name: '20260101002200_anchors',
  async up(db) {
    await db.raw(`
      ALTER TABLE proofs
        ADD COLUMN anchor_due boolean NOT NULL DEFAULT false,
        ADD COLUMN anchor_next_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
        ADD COLUMN anchor_note text;
      COMMENT ON COLUMN proofs.anchor_due IS 'Whether its orders are still to be told of it on chain';
      COMMENT ON COLUMN proofs.anchor_note IS 'Why orders were left out, for an operator who looks';
      CREATE INDEX proofs_to_anchor ON proofs (anchor_next_at) WHERE anchor_due;
      GRANT UPDATE (anchor_due, anchor_next_at, anchor_note) ON proofs TO ${ENGINE_ROLE};
    `)
  },
  async down(db) {
    await db.raw('ALTER TABLE proofs DROP COLUMN anchor_due, DROP COLUMN anchor_next_at, DROP COLUMN anchor_note')
  },
}
