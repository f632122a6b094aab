import type { Migration } from '@c2d/postgres'
import { ENGINE_ROLE } from '../channel.ts'

const DELIVERY_KEY = 'delivery_key(text, text)'

/**
 * Outputs that their consumer's own storage would not take while the job ran, and when they are brought again. The
 * rows of the job say which; an engine reads the keys of encrypted ones only as long as they are due.
 */
export const outputDeliveries: Migration = {
  name: '20260101003200_output_deliveries',
  async up(db) {
    await db.raw(`
      CREATE TABLE output_deliveries (
        job_id text PRIMARY KEY,
        environment text NOT NULL,
        state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'delivered', 'given up')),
        attempts int NOT NULL DEFAULT 0,
        note text,
        created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
        next_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
      );
      COMMENT ON TABLE output_deliveries IS 'Jobs whose outputs are kept here until their consumer''s own storage takes them';
      COMMENT ON COLUMN output_deliveries.attempts IS 'Counts who took it: only the last writes';
      CREATE INDEX output_deliveries_due ON output_deliveries (next_at) WHERE state = 'due';
      GRANT SELECT, INSERT, UPDATE (state, attempts, note, next_at) ON output_deliveries TO ${ENGINE_ROLE};

      CREATE FUNCTION delivery_key(of_job text, of_object text) RETURNS bytea
      LANGUAGE sql STABLE SECURITY DEFINER
      SET search_path = pg_catalog, public, pg_temp AS $key$
        SELECT result_keys.key FROM result_keys
        JOIN output_deliveries USING (job_id)
        WHERE job_id = of_job AND object = of_object AND state = 'due'
      $key$;
      COMMENT ON FUNCTION ${DELIVERY_KEY} IS 'The key of an encrypted result that is still to be delivered';
      REVOKE ALL ON FUNCTION ${DELIVERY_KEY} FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION ${DELIVERY_KEY} TO ${ENGINE_ROLE};
    `)
  },
  async down(db) {
    await db.raw(`DROP FUNCTION ${DELIVERY_KEY}; DROP TABLE output_deliveries;`)
  },
}
