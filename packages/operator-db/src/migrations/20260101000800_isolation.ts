import type { Migration } from '@c2d/postgres'
import { ENGINE_ROLE } from '../channel.ts'

/** What the seal gate of a job's algorithm saw (DESIGN §4.14), beside the row it is true of. */
export const isolation: Migration = {
  name: '20260101000800_isolation',
  async up(db) {
    await db.raw(`
      ALTER TABLE jobs ADD COLUMN isolation jsonb;
      COMMENT ON COLUMN jobs.isolation IS 'What the seal gate of the algorithm saw: the isolation receipt';
      GRANT UPDATE (isolation) ON jobs TO ${ENGINE_ROLE};
    `)
  },
  async down(db) {
    await db.raw('ALTER TABLE jobs DROP COLUMN isolation')
  },
}
