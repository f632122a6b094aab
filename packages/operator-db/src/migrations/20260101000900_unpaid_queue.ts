import { JOB_STATUS } from '@c2d/contracts'
import type { Migration } from '@c2d/postgres'

/** Finds the queued jobs that are not paid for any longer without reading the others, twice a second. */
export const unpaidQueue: Migration = {
  name: '20260101000900_unpaid_queue',
  async up(db) {
    await db.raw(`
      CREATE INDEX jobs_queued_until ON jobs (namespace, valid_until)
        WHERE status = ${JOB_STATUS.warmingUp.code} AND datefinished IS NULL AND valid_until > 0;
    `)
  },
  async down(db) {
    await db.raw('DROP INDEX jobs_queued_until')
  },
}
