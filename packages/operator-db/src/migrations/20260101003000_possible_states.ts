import { JOB_STATUS } from '@c2d/contracts'
import type { Migration } from '@c2d/postgres'

/**
 * States that would be mistakes of ours cannot be written: a lease on a job that has ended, a queued job that somebody
 * holds, results that expired before their job ended, a notification that is delivered and still due. Old rows are
 * adopted whatever they hold.
 */
export const possibleStates: Migration = {
  name: '20260101003000_possible_states',
  async up(db) {
    await db.raw(`
      ALTER TABLE jobs
        ADD CONSTRAINT jobs_ended_without_lease CHECK (datefinished IS NULL OR lease_expires_at IS NULL) NOT VALID,
        ADD CONSTRAINT jobs_queued_unclaimed CHECK (status <> ${JOB_STATUS.warmingUp.code} OR claimed_by IS NULL) NOT VALID,
        ADD CONSTRAINT jobs_epoch_counts CHECK (epoch >= 0) NOT VALID,
        ADD CONSTRAINT jobs_results_removed_after_end
          CHECK (results_removed_at IS NULL OR datefinished IS NOT NULL) NOT VALID;
      ALTER TABLE notifications
        ADD CONSTRAINT notifications_delivered_or_due CHECK (delivered_at IS NULL OR next_at IS NULL) NOT VALID;
      ALTER TABLE step_attempts ADD CONSTRAINT step_attempts_count CHECK (attempts > 0) NOT VALID;
    `)
  },
  async down(db) {
    await db.raw(`
      ALTER TABLE jobs
        DROP CONSTRAINT jobs_ended_without_lease,
        DROP CONSTRAINT jobs_queued_unclaimed,
        DROP CONSTRAINT jobs_epoch_counts,
        DROP CONSTRAINT jobs_results_removed_after_end;
      ALTER TABLE notifications DROP CONSTRAINT notifications_delivered_or_due;
      ALTER TABLE step_attempts DROP CONSTRAINT step_attempts_count;
    `)
  },
}
