import type { Migration } from '@c2d/postgres'

/** The salts of a proof, for the owners of the datasets whose file hashes it tells salted only. */
export const proofSalts: Migration = {
  name: '20260101003300_proof_salts',
  async up(db) {
    await db.raw(`
      ALTER TABLE proofs ADD COLUMN salts jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(salts) = 'array');
      COMMENT ON COLUMN proofs.salts IS 'By dataset; for its owner, never for the consumer';
    `)
  },
  async down(db) {
    await db.raw('ALTER TABLE proofs DROP COLUMN salts')
  },
}
