import type { Migration } from '@c2d/postgres'
import { ENGINE_ROLE, SERVICE_ROLE } from '../channel.ts'

const CLAIM_JOBS = 'claim_jobs(text, int, text, double precision)'

/**
 * A role for operator-service and one for engines, each with what its statements need and no more. They cannot log in
 * by themselves: an operator grants them to an account, or gives them a password (README of this package). The account
 * that migrates owns everything and needs neither.
 */
export const roles: Migration = {
  name: '20260101000700_roles',
  async up(db) {
    for (const role of [SERVICE_ROLE, ENGINE_ROLE]) await db.raw(createRole(role))
    await db.raw(`
      GRANT USAGE ON SCHEMA public TO ${SERVICE_ROLE}, ${ENGINE_ROLE};
      GRANT SELECT ON schema_migrations, schema_migrations_lock TO ${SERVICE_ROLE}, ${ENGINE_ROLE};

      -- The service queues, asks to stop, and reads. It never moves a job, and knows no token of a step.
      GRANT SELECT,
        INSERT (workflowid, agreementid, owner, status, statustext, namespace, workflow, provider, request_key, valid_until),
        UPDATE (stopreq)
        ON jobs TO ${SERVICE_ROLE};
      GRANT SELECT, INSERT ON job_events TO ${SERVICE_ROLE};
      GRANT SELECT ON envs, engines, job_queue TO ${SERVICE_ROLE};
      GRANT SELECT, INSERT, UPDATE ON nonce_highest TO ${SERVICE_ROLE};
      GRANT SELECT, INSERT, DELETE ON nonce_spent TO ${SERVICE_ROLE};

      -- An engine moves jobs. It makes none, changes neither what was asked nor by whom, and sees no nonce.
      GRANT SELECT,
        UPDATE (status, statustext, laststatusupdate, datefinished, outputsurl, stopreq, epoch, claimed_by,
          lease_expires_at, reason, exit_code, results_expire_at, results_removed_at)
        ON jobs TO ${ENGINE_ROLE};
      GRANT SELECT, INSERT ON job_events TO ${ENGINE_ROLE};
      GRANT SELECT, INSERT, UPDATE ON envs, step_tokens, claim_locks, step_attempts TO ${ENGINE_ROLE};
      GRANT SELECT, INSERT, UPDATE, DELETE ON engines TO ${ENGINE_ROLE};
      GRANT SELECT, INSERT, UPDATE (attempts, next_at, delivered_at, last_error) ON notifications TO ${ENGINE_ROLE};
      GRANT SELECT ON job_queue TO ${ENGINE_ROLE};
      GRANT EXECUTE ON FUNCTION ${CLAIM_JOBS} TO ${ENGINE_ROLE};
    `)
  },
  // The roles stay: another database of the same server may use them.
  async down(db) {
    await db.raw(`
      REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${SERVICE_ROLE}, ${ENGINE_ROLE};
      REVOKE ALL ON FUNCTION ${CLAIM_JOBS} FROM ${ENGINE_ROLE};
      REVOKE USAGE ON SCHEMA public FROM ${SERVICE_ROLE}, ${ENGINE_ROLE};
    `)
  },
}

/** Roles belong to the whole server: two databases may be migrated at once, and one role serves both. */
function createRole(role: string): string {
  return `
    DO $role$
    BEGIN
      IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '${role}') THEN
        CREATE ROLE ${role} NOLOGIN;
      END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL; -- the other migration made it
    END
    $role$;`
}
