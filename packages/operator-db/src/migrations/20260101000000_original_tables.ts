import type { Migration } from '@c2d/postgres'

/**
 * The original's tables, columns and `announce` function, exactly (operator-service-api §8). Every statement leaves
 * alone what is there, so a running Ocean database is adopted as it stands.
 */
export const originalTables: Migration = {
  name: '20260101000000_original_tables',
  async up(db) {
    await db.raw(`
      CREATE TABLE IF NOT EXISTS jobs (
        agreementId varchar(255) NOT NULL,
        workflowId varchar(255) NOT NULL,
        owner varchar(255),
        status int,
        statusText varchar(255),
        laststatusupdate timestamp DEFAULT now(),
        dateCreated timestamp DEFAULT now(),
        dateFinished timestamp DEFAULT NULL,
        configlogURL text,
        publishlogURL text,
        algologURL text,
        outputsURL text,
        ddo text,
        namespace varchar(255),
        stopreq smallint DEFAULT 0,
        removed smallint DEFAULT 0,
        workflow text,
        provider varchar(255)
      );
      CREATE UNIQUE INDEX IF NOT EXISTS uniq_agreementId_workflowId ON jobs (agreementId, workflowId);

      CREATE TABLE IF NOT EXISTS envs (
        namespace varchar(255) NOT NULL,
        status text,
        lastping timestamp DEFAULT now()
      );
      CREATE UNIQUE INDEX IF NOT EXISTS unique_namespace ON envs (namespace);

      CREATE TABLE IF NOT EXISTS nonces (
        provider varchar(255) NOT NULL,
        nonce varchar(255)
      );

      DO $adopt$
      BEGIN
        IF to_regprocedure('announce(varchar, text, int)') IS NULL THEN
          CREATE FUNCTION announce(environment varchar(255), fullstatus text, lmt int)
          RETURNS TABLE (workflow varchar(255)) LANGUAGE plpgsql VOLATILE AS $announce$
          BEGIN
            INSERT INTO envs AS known (namespace, status, lastping) VALUES (environment, fullstatus, now())
            ON CONFLICT (namespace) DO UPDATE SET status = excluded.status, lastping = now();
            RETURN QUERY
              SELECT queued.workflowid FROM jobs AS queued
              WHERE queued.namespace = environment AND queued.status = 1
              LIMIT lmt;
          END
          $announce$;
        END IF;
      END
      $adopt$;
    `)
  },
  // The tables stay: they may hold the rows of a database that was here before us, and `up` does not mind them.
  async down() {},
}
