import type { Migration } from '@c2d/postgres'
import { SERVICE_ROLE } from '../channel.ts'

/** What a status answer tells of the transactions after a job: how they are, never what was signed. */
export const sequels: Migration = {
  name: '20260101003400_sequels',
  async up(db) {
    await db.raw(`GRANT SELECT (purpose, job_id, state, hashes, nonce) ON chain_transactions TO ${SERVICE_ROLE}`)
  },
  async down(db) {
    await db.raw(`REVOKE SELECT (purpose, job_id, state, hashes, nonce) ON chain_transactions FROM ${SERVICE_ROLE}`)
  },
}
