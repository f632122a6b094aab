-- What the migrations make. Written by `npm run schema -w @c2d/operator-db`; not to be run or edited.

-- Tables

CREATE TABLE chain_transactions (
  purpose text NOT NULL,
  job_id text NOT NULL,
  chain_id bigint NOT NULL,
  wallet text NOT NULL,
  nonce bigint NOT NULL,
  target text NOT NULL,
  data text NOT NULL,
  gas_limit bigint NOT NULL,
  raw text NOT NULL,
  hashes text[] NOT NULL,
  state text NOT NULL DEFAULT 'sent'::text,
  block_number bigint,
  signed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  next_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  last_error text,
  CONSTRAINT chain_transactions_chain_id_wallet_nonce_key UNIQUE (chain_id, wallet, nonce),
  CONSTRAINT chain_transactions_check CHECK (((block_number IS NULL) = (state = 'sent'::text))),
  CONSTRAINT chain_transactions_hashes_check CHECK ((cardinality(hashes) > 0)),
  CONSTRAINT chain_transactions_pkey PRIMARY KEY (purpose),
  CONSTRAINT chain_transactions_state_check CHECK ((state = ANY (ARRAY['sent'::text, 'mined'::text, 'reverted'::text])))
);

CREATE TABLE chain_wallets (
  chain_id bigint NOT NULL,
  address text NOT NULL,
  next_nonce bigint NOT NULL,
  CONSTRAINT chain_wallets_address_check CHECK ((address = lower(address))),
  CONSTRAINT chain_wallets_pkey PRIMARY KEY (chain_id, address)
);

CREATE TABLE claim_locks (
  environment text NOT NULL,
  CONSTRAINT claim_locks_pkey PRIMARY KEY (environment)
);

CREATE TABLE derived_assets (
  job_id text NOT NULL,
  environment text NOT NULL,
  state text NOT NULL DEFAULT 'due'::text,
  size_bytes bigint NOT NULL,
  token_sha256 text NOT NULL,
  did text,
  nft text,
  datatoken text,
  note text,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  next_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT derived_assets_check CHECK (((state <> 'published'::text) OR ((did IS NOT NULL) AND (nft IS NOT NULL) AND (datatoken IS NOT NULL)))),
  CONSTRAINT derived_assets_pkey PRIMARY KEY (job_id),
  CONSTRAINT derived_assets_state_check CHECK ((state = ANY (ARRAY['due'::text, 'published'::text, 'refused'::text])))
);

CREATE TABLE engines (
  instance text NOT NULL,
  url text,
  seen_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT engines_pkey PRIMARY KEY (instance)
);

CREATE TABLE envs (
  namespace character varying(255) NOT NULL,
  status text,
  lastping timestamp without time zone DEFAULT now()
);

CREATE TABLE job_events (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  job_id text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  what text NOT NULL,
  by_whom text NOT NULL,
  detail jsonb,
  CONSTRAINT job_events_pkey PRIMARY KEY (id)
);

CREATE TABLE jobs (
  agreementid character varying(255) NOT NULL,
  workflowid character varying(255) NOT NULL,
  owner character varying(255),
  status integer,
  statustext character varying(255),
  laststatusupdate timestamp without time zone DEFAULT now(),
  datecreated timestamp without time zone DEFAULT now(),
  datefinished timestamp without time zone,
  configlogurl text,
  publishlogurl text,
  algologurl text,
  outputsurl text,
  ddo text,
  namespace character varying(255),
  stopreq smallint DEFAULT 0,
  removed smallint DEFAULT 0,
  workflow text,
  provider character varying(255),
  epoch integer NOT NULL DEFAULT 0,
  claimed_by text,
  lease_expires_at timestamp with time zone,
  reason text,
  exit_code integer,
  request_key text,
  valid_until bigint,
  staging jsonb,
  adopted_duplicate boolean NOT NULL DEFAULT false,
  results_expire_at timestamp with time zone,
  results_removed_at timestamp with time zone,
  isolation jsonb,
  proof_due boolean NOT NULL DEFAULT true,
  CONSTRAINT jobs_ended_without_lease CHECK (((datefinished IS NULL) OR (lease_expires_at IS NULL))) NOT VALID,
  CONSTRAINT jobs_epoch_counts CHECK ((epoch >= 0)) NOT VALID,
  CONSTRAINT jobs_queued_unclaimed CHECK (((status <> 1) OR (claimed_by IS NULL))) NOT VALID,
  CONSTRAINT jobs_results_removed_after_end CHECK (((results_removed_at IS NULL) OR (datefinished IS NOT NULL))) NOT VALID,
  CONSTRAINT jobs_status_is_known CHECK ((status = ANY (ARRAY[1, 10, 20, 30, 31, 32, 40, 50, 60, 70]))) NOT VALID,
  CONSTRAINT jobs_stopreq_is_known CHECK (((stopreq >= 0) AND (stopreq <= 2))) NOT VALID
);

CREATE TABLE nonce_highest (
  address text NOT NULL,
  highest numeric NOT NULL,
  CONSTRAINT nonce_highest_address_check CHECK ((address = lower(address))),
  CONSTRAINT nonce_highest_pkey PRIMARY KEY (address)
);

CREATE TABLE nonce_spent (
  address text NOT NULL,
  nonce numeric NOT NULL,
  CONSTRAINT nonce_spent_address_fkey FOREIGN KEY (address) REFERENCES nonce_highest(address) ON DELETE CASCADE,
  CONSTRAINT nonce_spent_pkey PRIMARY KEY (address, nonce)
);

CREATE TABLE nonces (
  provider character varying(255) NOT NULL,
  nonce character varying(255)
);

CREATE TABLE notifications (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  job_id text NOT NULL,
  kind text NOT NULL,
  url text NOT NULL,
  body jsonb NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_at timestamp with time zone DEFAULT clock_timestamp(),
  delivered_at timestamp with time zone,
  last_error text,
  CONSTRAINT notifications_delivered_or_due CHECK (((delivered_at IS NULL) OR (next_at IS NULL))) NOT VALID,
  CONSTRAINT notifications_job_id_kind_key UNIQUE (job_id, kind),
  CONSTRAINT notifications_kind_check CHECK ((kind = ANY (ARRAY['start'::text, 'stop'::text]))),
  CONSTRAINT notifications_pkey PRIMARY KEY (id)
);

CREATE TABLE output_deliveries (
  job_id text NOT NULL,
  environment text NOT NULL,
  state text NOT NULL DEFAULT 'due'::text,
  attempts integer NOT NULL DEFAULT 0,
  note text,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  next_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT output_deliveries_pkey PRIMARY KEY (job_id),
  CONSTRAINT output_deliveries_state_check CHECK ((state = ANY (ARRAY['due'::text, 'delivered'::text, 'given up'::text])))
);

CREATE TABLE proofs (
  job_id text NOT NULL,
  envelope jsonb NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  anchor_due boolean NOT NULL DEFAULT false,
  anchor_next_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  anchor_note text,
  salts jsonb NOT NULL DEFAULT '[]'::jsonb,
  CONSTRAINT proofs_pkey PRIMARY KEY (job_id),
  CONSTRAINT proofs_salts_check CHECK ((jsonb_typeof(salts) = 'array'::text))
);

CREATE TABLE result_keys (
  job_id text NOT NULL,
  object text NOT NULL,
  key bytea NOT NULL,
  CONSTRAINT result_keys_key_check CHECK ((octet_length(key) = 32)),
  CONSTRAINT result_keys_object_check CHECK (((length(object) >= 1) AND (length(object) <= 128))),
  CONSTRAINT result_keys_pkey PRIMARY KEY (job_id, object)
);

CREATE TABLE step_attempts (
  job_id text NOT NULL,
  step text NOT NULL,
  attempts integer NOT NULL,
  last_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  last_reason text,
  CONSTRAINT step_attempts_count CHECK ((attempts > 0)) NOT VALID,
  CONSTRAINT step_attempts_pkey PRIMARY KEY (job_id, step),
  CONSTRAINT step_attempts_step_check CHECK ((step = ANY (ARRAY['configure'::text, 'algorithm'::text, 'filter'::text, 'publish'::text])))
);

CREATE TABLE step_tokens (
  job_id text NOT NULL,
  step text NOT NULL,
  token_sha256 text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamp with time zone,
  CONSTRAINT step_tokens_pkey PRIMARY KEY (job_id, step),
  CONSTRAINT step_tokens_step_check CHECK ((step = ANY (ARRAY['configure'::text, 'algorithm'::text, 'filter'::text, 'publish'::text])))
);

-- Indexes

CREATE INDEX chain_transactions_by_job ON public.chain_transactions USING btree (job_id);
CREATE INDEX chain_transactions_due ON public.chain_transactions USING btree (chain_id, wallet, nonce) WHERE (state = 'sent'::text);
CREATE INDEX derived_assets_by_environment ON public.derived_assets USING btree (environment) WHERE (state <> 'refused'::text);
CREATE INDEX derived_assets_due ON public.derived_assets USING btree (next_at) WHERE (state = 'due'::text);
CREATE UNIQUE INDEX unique_namespace ON public.envs USING btree (namespace);
CREATE INDEX job_events_by_job ON public.job_events USING btree (job_id, id);
CREATE INDEX jobs_at_work ON public.jobs USING btree (namespace) WHERE ((status > 1) AND (datefinished IS NULL));
CREATE INDEX jobs_by_agreement ON public.jobs USING btree (lower(regexp_replace((agreementid)::text, '^0x'::text, ''::text, 'i'::text)));
CREATE INDEX jobs_by_claimer ON public.jobs USING btree (claimed_by) WHERE ((datefinished IS NULL) AND (claimed_by IS NOT NULL));
CREATE INDEX jobs_by_id ON public.jobs USING btree (workflowid);
CREATE INDEX jobs_by_owner ON public.jobs USING btree (lower((owner)::text), datecreated DESC);
CREATE INDEX jobs_in_queue ON public.jobs USING btree (namespace, lower((owner)::text), datecreated, workflowid) INCLUDE (owner) WHERE ((status = 1) AND (datefinished IS NULL));
CREATE UNIQUE INDEX jobs_one_per_request ON public.jobs USING btree (request_key);
CREATE UNIQUE INDEX jobs_one_row_per_id ON public.jobs USING btree (workflowid) WHERE (NOT adopted_duplicate);
CREATE UNIQUE INDEX jobs_one_unfinished_per_agreement ON public.jobs USING btree (lower(regexp_replace((agreementid)::text, '^0x'::text, ''::text, 'i'::text))) WHERE ((datefinished IS NULL) AND (NOT adopted_duplicate));
CREATE INDEX jobs_queued_until ON public.jobs USING btree (namespace, valid_until) WHERE ((status = 1) AND (datefinished IS NULL) AND (valid_until > 0));
CREATE INDEX jobs_results_to_expire ON public.jobs USING btree (results_expire_at) WHERE ((results_expire_at IS NOT NULL) AND (results_removed_at IS NULL));
CREATE INDEX jobs_to_prove ON public.jobs USING btree (datefinished) WHERE ((datefinished IS NOT NULL) AND proof_due);
CREATE INDEX jobs_to_stop ON public.jobs USING btree (namespace) WHERE ((status = 1) AND (datefinished IS NULL) AND (stopreq = 1));
CREATE UNIQUE INDEX uniq_agreementid_workflowid ON public.jobs USING btree (agreementid, workflowid);
CREATE INDEX notifications_due ON public.notifications USING btree (next_at) WHERE (next_at IS NOT NULL);
CREATE INDEX output_deliveries_due ON public.output_deliveries USING btree (next_at) WHERE (state = 'due'::text);
CREATE INDEX proofs_to_anchor ON public.proofs USING btree (anchor_next_at) WHERE anchor_due;

-- Views

CREATE VIEW job_queue AS
 SELECT environment,
    job_id,
    datecreated,
    turn,
    row_number() OVER (PARTITION BY environment ORDER BY turn, datecreated, job_id) AS "position"
   FROM ( SELECT ranked.environment,
            ranked.job_id,
            ranked.datecreated,
            (COALESCE(busy.jobs, (0)::bigint) + ranked.rank) AS turn
           FROM (( SELECT jobs.namespace AS environment,
                    jobs.workflowid AS job_id,
                    lower((jobs.owner)::text) AS owner,
                    jobs.datecreated,
                    row_number() OVER (PARTITION BY jobs.namespace, (lower((jobs.owner)::text)) ORDER BY jobs.datecreated, jobs.workflowid) AS rank
                   FROM jobs
                  WHERE ((jobs.status = 1) AND (jobs.datefinished IS NULL))) ranked
             LEFT JOIN ( SELECT jobs.namespace AS environment,
                    lower((jobs.owner)::text) AS owner,
                    count(*) AS jobs
                   FROM jobs
                  WHERE ((jobs.status > 1) AND (jobs.datefinished IS NULL))
                  GROUP BY jobs.namespace, (lower((jobs.owner)::text))) busy ON ((((busy.environment)::text = (ranked.environment)::text) AND (busy.owner = ranked.owner))))) turns;

-- Functions

CREATE OR REPLACE FUNCTION public.announce(environment character varying, fullstatus text, lmt integer)
 RETURNS TABLE(workflow character varying)
 LANGUAGE plpgsql
AS $function$
          BEGIN
            INSERT INTO envs AS known (namespace, status, lastping) VALUES (environment, fullstatus, now())
            ON CONFLICT (namespace) DO UPDATE SET status = excluded.status, lastping = now();
            RETURN QUERY
              SELECT queued.workflowid FROM jobs AS queued
              WHERE queued.namespace = environment AND queued.status = 1
              LIMIT lmt;
          END
          $function$;

CREATE OR REPLACE FUNCTION public.claim_jobs(for_environment text, max_jobs integer, claimer text, lease_seconds double precision)
 RETURNS SETOF jobs
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
      BEGIN
        IF NOT EXISTS (
          SELECT 1 FROM jobs
          WHERE namespace = for_environment AND status = 1 AND datefinished IS NULL
        ) THEN
          RETURN;
        END IF;
        PERFORM 1 FROM claim_locks WHERE environment = for_environment FOR UPDATE;
        IF NOT FOUND THEN
          INSERT INTO claim_locks (environment) VALUES (for_environment) ON CONFLICT DO NOTHING;
          PERFORM 1 FROM claim_locks WHERE environment = for_environment FOR UPDATE;
        END IF;
        RETURN QUERY
          WITH at_work AS (
            SELECT count(*) AS jobs FROM jobs
            WHERE namespace = for_environment AND status > 1 AND datefinished IS NULL
          ), next AS (
            SELECT job_id FROM at_work, LATERAL queue_front(for_environment, max_jobs - at_work.jobs)
            WHERE at_work.jobs < max_jobs
          ), taken AS (
            SELECT workflowid FROM jobs
            WHERE workflowid IN (SELECT job_id FROM next) AND status = 1 AND datefinished IS NULL
            FOR UPDATE SKIP LOCKED
          ), claimed AS (
            UPDATE jobs SET
              status = 20, statustext = 'Configuring volumes', laststatusupdate = now(),
              epoch = epoch + 1, claimed_by = claimer,
              lease_expires_at = clock_timestamp() + make_interval(secs => lease_seconds)
            FROM taken WHERE jobs.workflowid = taken.workflowid
            RETURNING jobs.*
          ), noted AS (
            INSERT INTO job_events (job_id, what, by_whom, detail)
            SELECT workflowid, 'claimed', claimer, jsonb_build_object('epoch', epoch) FROM claimed
          )
          SELECT * FROM claimed;
      END
      $function$;

CREATE OR REPLACE FUNCTION public.delivery_key(of_job text, of_object text)
 RETURNS bytea
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
        SELECT result_keys.key FROM result_keys
        JOIN output_deliveries USING (job_id)
        WHERE job_id = of_job AND object = of_object AND state = 'due'
      $function$;

CREATE OR REPLACE FUNCTION public.has_live_token(of_job text, of_step text, token text)
 RETURNS boolean
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
        SELECT EXISTS (
          SELECT 1 FROM step_tokens
          JOIN jobs ON jobs.workflowid = step_tokens.job_id AND jobs.datefinished IS NULL
          WHERE job_id = of_job AND step = of_step AND ended_at IS NULL
            AND token_sha256 = encode(sha256(convert_to(token, 'UTF8')), 'hex'))
      $function$;

CREATE OR REPLACE FUNCTION public.lock_reported_job(of_job text, of_step text, token text)
 RETURNS jobs
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
      DECLARE
        job jobs;
      BEGIN
        IF has_live_token(of_job, of_step, token) THEN
          SELECT * INTO job FROM jobs WHERE workflowid = of_job AND datefinished IS NULL FOR UPDATE;
          IF has_live_token(of_job, of_step, token) THEN
            RETURN job;
          END IF;
        END IF;
        RAISE EXCEPTION 'the step token is not valid for this report' USING ERRCODE = 'C2D01';
      END
      $function$;

CREATE OR REPLACE FUNCTION public.queue_front(for_environment text, at_most bigint)
 RETURNS TABLE(job_id text)
 LANGUAGE sql
 STABLE ROWS 100
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
        WITH RECURSIVE every_owner AS (
          (SELECT lower(owner) AS owner FROM jobs WHERE namespace = for_environment AND status = 1 AND datefinished IS NULL
           ORDER BY lower(owner) LIMIT 1)
          UNION ALL
          SELECT (SELECT lower(jobs.owner) FROM jobs
            WHERE namespace = for_environment AND status = 1 AND datefinished IS NULL AND lower(jobs.owner) > every_owner.owner
            ORDER BY lower(jobs.owner) LIMIT 1)
          FROM every_owner WHERE every_owner.owner IS NOT NULL
        ), owners AS (
          SELECT owner FROM every_owner WHERE owner IS NOT NULL LIMIT 257
        ), few AS (
          SELECT count(*) <= 256 AND NOT EXISTS (
            SELECT 1 FROM jobs WHERE namespace = for_environment AND status = 1 AND datefinished IS NULL AND lower(owner) IS NULL
          ) AS owners FROM owners
        ), busy AS (
          SELECT lower(owner) AS owner, count(*) AS jobs FROM jobs
          WHERE namespace = for_environment AND status > 1 AND datefinished IS NULL
          GROUP BY lower(owner)
        ), front AS (
          SELECT head.workflowid AS job_id, coalesce(busy.jobs, 0) + head.rank AS turn, head.datecreated
          FROM owners LEFT JOIN busy USING (owner), LATERAL (
            SELECT workflowid, datecreated, row_number() OVER (ORDER BY datecreated, workflowid) AS rank FROM (
              SELECT workflowid, datecreated FROM jobs
              WHERE namespace = for_environment AND status = 1 AND datefinished IS NULL AND lower(jobs.owner) = owners.owner
              ORDER BY datecreated, workflowid LIMIT at_most
            ) AS oldest
          ) AS head
          WHERE (SELECT owners FROM few)
          UNION ALL
          SELECT job_id, turn, datecreated FROM job_queue
          WHERE environment = for_environment AND NOT (SELECT owners FROM few)
        )
        SELECT job_id FROM front ORDER BY turn, datecreated, job_id LIMIT at_most
      $function$;

CREATE OR REPLACE FUNCTION public.report_outputs(p_job_id text, p_token text, p_outputs jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
      DECLARE
        job jobs;
      BEGIN
        job := lock_reported_job(p_job_id, 'publish', p_token);
        IF jsonb_typeof(p_outputs) IS DISTINCT FROM 'array' OR octet_length(p_outputs::text) > 16777216 THEN
          RAISE EXCEPTION 'the outputs are malformed or too large' USING ERRCODE = 'C2D02';
        END IF;
        IF EXISTS (
          SELECT 1 FROM jsonb_array_elements(p_outputs) AS entry
          WHERE jsonb_typeof(entry) <> 'object'
            OR jsonb_typeof(entry -> 'filename') IS DISTINCT FROM 'string'
            OR jsonb_typeof(entry -> 'filesize') IS DISTINCT FROM 'number'
            OR jsonb_typeof(entry -> 'url') IS DISTINCT FROM 'string'
            OR jsonb_typeof(entry -> 'type') IS DISTINCT FROM 'string'
        ) THEN
          RAISE EXCEPTION 'an entry of the outputs is malformed' USING ERRCODE = 'C2D02';
        END IF;
        IF job.outputsurl = p_outputs::text THEN
          RETURN;
        END IF;
        UPDATE jobs SET outputsurl = p_outputs::text WHERE workflowid = p_job_id AND datefinished IS NULL;
        INSERT INTO job_events (job_id, what, by_whom, detail)
        VALUES (p_job_id, 'outputs', 'pod-publishing', jsonb_build_object('count', jsonb_array_length(p_outputs)));
        PERFORM pg_notify('c2d_jobs', '');
      END
      $function$;

CREATE OR REPLACE FUNCTION public.report_progress(p_job_id text, p_token text, p_detail jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
      DECLARE
        job jobs;
        v_step text;
      BEGIN
        SELECT step INTO v_step FROM step_tokens WHERE job_id = p_job_id AND has_live_token(p_job_id, step, p_token);
        job := lock_reported_job(p_job_id, v_step, p_token);
        IF jsonb_typeof(p_detail) IS DISTINCT FROM 'object' OR octet_length(p_detail::text) > 4096 THEN
          RAISE EXCEPTION 'the progress report is malformed or too large' USING ERRCODE = 'C2D02';
        END IF;
        -- Progress beyond the bound is dropped: it must not fill the table, and is no reason to fail a step.
        INSERT INTO job_events (job_id, what, by_whom, detail)
        SELECT p_job_id, 'progress', v_step, p_detail
        WHERE (SELECT count(*) FROM job_events WHERE job_id = p_job_id AND what = 'progress') < 1000;
      END
      $function$;

CREATE OR REPLACE FUNCTION public.report_provisioning(p_job_id text, p_token text, p_status integer, p_detail jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
      DECLARE
        job jobs;
        v_text text := CASE p_status
          WHEN 30 THEN 'Provisioning success'
          WHEN 31 THEN 'Data provisioning failed'
          WHEN 32 THEN 'Algorithm provisioning failed' END;
        v_what text := CASE p_status
          WHEN 30 THEN 'provisioned'
          WHEN 31 THEN 'inputFailed'
          WHEN 32 THEN 'algorithmFailed' END;
        v_reason text := CASE WHEN p_status <> 30 THEN p_detail ->> 'reason' END;
        v_noted jsonb;
        v_staging jsonb;
      BEGIN
        job := lock_reported_job(p_job_id, 'configure', p_token);
        IF v_text IS NULL OR jsonb_typeof(p_detail) IS DISTINCT FROM 'object' OR length(v_reason) > 64
          OR octet_length(p_detail::text) > 16777216 THEN
          RAISE EXCEPTION 'the provisioning report is malformed or too large' USING ERRCODE = 'C2D02';
        END IF;
        v_noted := jsonb_strip_nulls(
          jsonb_build_object('reason', v_reason, 'message', left(p_detail ->> 'message', 1000)));
        v_staging := p_detail - 'reason' - 'message';
        IF job.status <> 20 THEN
          -- A pod that lost the answer says the same again: that is no news, and no error.
          IF job.staging = v_staging AND EXISTS (
            SELECT 1 FROM job_events WHERE job_id = p_job_id AND what = v_what AND detail = v_noted
          ) THEN
            RETURN;
          END IF;
          RAISE EXCEPTION 'the job is not being configured' USING ERRCODE = 'C2D03';
        END IF;
        UPDATE jobs SET status = p_status, statustext = v_text, laststatusupdate = now(),
          reason = coalesce(v_reason, reason), staging = v_staging
        WHERE workflowid = p_job_id AND datefinished IS NULL;
        INSERT INTO job_events (job_id, what, by_whom, detail)
        VALUES (p_job_id, v_what, 'pod-configuration', v_noted);
        PERFORM pg_notify('c2d_jobs', '');
      END
      $function$;

CREATE OR REPLACE FUNCTION public.report_publishing(p_job_id text, p_token text, p_detail jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
      DECLARE
        job jobs;
        v_keys jsonb := coalesce(p_detail -> 'keys', '[]');
        v_reason text := p_detail ->> 'reason';
        v_noted jsonb;
      BEGIN
        job := lock_reported_job(p_job_id, 'publish', p_token);
        IF jsonb_typeof(p_detail) IS DISTINCT FROM 'object' OR octet_length(p_detail::text) > 16777216
          OR jsonb_typeof(v_keys) <> 'array' OR v_reason <> 'OutputRefused' THEN
          RAISE EXCEPTION 'the publishing report is malformed or too large' USING ERRCODE = 'C2D02';
        END IF;
        IF EXISTS (
          SELECT 1 FROM jsonb_array_elements(v_keys) AS entry
          WHERE jsonb_typeof(entry) <> 'object'
            OR (entry ->> 'object') IS NULL OR length(entry ->> 'object') NOT BETWEEN 1 AND 128
            OR (entry ->> 'key') IS NULL OR (entry ->> 'key') !~ '^[0-9a-f]{64}$'
        ) THEN
          RAISE EXCEPTION 'a key of the outputs is malformed' USING ERRCODE = 'C2D02';
        END IF;
        INSERT INTO result_keys (job_id, object, key)
        SELECT p_job_id, entry ->> 'object', decode(entry ->> 'key', 'hex') FROM jsonb_array_elements(v_keys) AS entry
        ON CONFLICT DO NOTHING;
        IF (SELECT count(*) FROM result_keys WHERE job_id = p_job_id) > 100000 OR EXISTS (
          SELECT 1 FROM jsonb_array_elements(v_keys) AS entry
          JOIN result_keys ON job_id = p_job_id AND object = entry ->> 'object'
          WHERE key <> decode(entry ->> 'key', 'hex')
        ) THEN
          RAISE EXCEPTION 'too many keys, or another key of an object' USING ERRCODE = 'C2D02';
        END IF;
        IF v_reason IS NULL THEN
          RETURN;
        END IF;
        v_noted := jsonb_strip_nulls(
          jsonb_build_object('reason', v_reason, 'message', left(p_detail ->> 'message', 1000)));
        IF EXISTS (SELECT 1 FROM job_events
                   WHERE job_id = p_job_id AND what = 'outputsRefused' AND detail = v_noted) THEN
          RETURN; -- a pod that lost the answer says the same again
        END IF;
        UPDATE jobs SET reason = coalesce(reason, v_reason) WHERE workflowid = p_job_id AND datefinished IS NULL;
        INSERT INTO job_events (job_id, what, by_whom, detail)
        SELECT p_job_id, 'outputsRefused', 'pod-publishing', v_noted
        WHERE (SELECT count(*) FROM job_events WHERE job_id = p_job_id AND what = 'outputsRefused') < 10;
        PERFORM pg_notify('c2d_jobs', '');
      END
      $function$;

-- Comments

COMMENT ON TABLE chain_transactions IS 'What wallets of the operator sent, once a purpose';
COMMENT ON COLUMN chain_transactions.hashes IS 'Newest first: replacements have the same nonce, so one of them is mined';
COMMENT ON TABLE chain_wallets IS 'The row of a wallet is locked while a nonce of it is given away';
COMMENT ON TABLE claim_locks IS 'The row of an environment is locked while jobs of it are claimed';
COMMENT ON TABLE derived_assets IS 'Results that become assets of their consumers; they are kept as long as they are here';
COMMENT ON COLUMN derived_assets.token_sha256 IS 'Of what the file objects of the asset show to read the results';
COMMENT ON TABLE engines IS 'Where each engine can be asked about the jobs it holds; null url is nowhere';
COMMENT ON TABLE job_events IS 'The timeline of each job: one line a change';
COMMENT ON VIEW job_queue IS 'Queued jobs with their position in the environment: fair between owners, then by age';
COMMENT ON COLUMN jobs.epoch IS 'Raised by every claim and adoption; part of every engine write, so a stale engine changes nothing';
COMMENT ON COLUMN jobs.request_key IS 'SHA-256 of the signed start request: the same request again is the same job';
COMMENT ON COLUMN jobs.valid_until IS 'Epoch seconds until which the run is paid for';
COMMENT ON COLUMN jobs.adopted_duplicate IS 'An adopted row whose agreement or job id another adopted row has too';
COMMENT ON COLUMN jobs.results_expire_at IS 'When results are to be removed; null keeps them for ever';
COMMENT ON COLUMN jobs.results_removed_at IS 'When they were removed; outputsurl is an empty list from then on';
COMMENT ON COLUMN jobs.isolation IS 'What the seal gate of the algorithm saw: the isolation receipt';
COMMENT ON COLUMN jobs.proof_due IS 'Whether a proof is owed as soon as the job has ended; what ended before there were proofs has none';
COMMENT ON TABLE nonce_highest IS 'The highest nonce each address has spent';
COMMENT ON TABLE nonce_spent IS 'Nonces spent within the window below the highest one; older ones are refused by the window';
COMMENT ON TABLE notifications IS 'Outbox of calls that tell an operator of a job''s start and end';
COMMENT ON COLUMN notifications.next_at IS 'When to try (again); null is never: delivered, or given up';
COMMENT ON TABLE output_deliveries IS 'Jobs whose outputs are kept here until their consumer''s own storage takes them';
COMMENT ON COLUMN output_deliveries.attempts IS 'Counts who took it: only the last writes';
COMMENT ON TABLE proofs IS 'What was signed of each finished job: a DSSE envelope';
COMMENT ON COLUMN proofs.anchor_due IS 'Whether its orders are still to be told of it on chain';
COMMENT ON COLUMN proofs.anchor_note IS 'Why orders were left out, for an operator who looks';
COMMENT ON COLUMN proofs.salts IS 'By dataset; for its owner, never for the consumer';
COMMENT ON TABLE result_keys IS 'Keys of results that are kept encrypted; an object keeps the key it came with';
COMMENT ON TABLE step_attempts IS 'How often each step was tried, and why the last time';
COMMENT ON TABLE step_tokens IS 'What the pod of a step proves itself with; a newer token of the step replaces the older';

-- Grants

GRANT INSERT, SELECT, UPDATE ON chain_transactions TO c2d_engine;
GRANT INSERT, SELECT, UPDATE ON chain_wallets TO c2d_engine;
GRANT INSERT, SELECT, UPDATE ON claim_locks TO c2d_engine;
GRANT INSERT, SELECT ON derived_assets TO c2d_engine;
GRANT SELECT ON derived_assets TO c2d_service;
GRANT DELETE, INSERT, SELECT, UPDATE ON engines TO c2d_engine;
GRANT SELECT ON engines TO c2d_service;
GRANT INSERT, SELECT, UPDATE ON envs TO c2d_engine;
GRANT SELECT ON envs TO c2d_service;
GRANT INSERT, SELECT ON job_events TO c2d_engine;
GRANT INSERT, SELECT ON job_events TO c2d_service;
GRANT SELECT ON job_queue TO c2d_engine;
GRANT SELECT ON job_queue TO c2d_service;
GRANT SELECT ON jobs TO c2d_engine;
GRANT SELECT ON jobs TO c2d_service;
GRANT INSERT, SELECT, UPDATE ON nonce_highest TO c2d_service;
GRANT DELETE, INSERT, SELECT ON nonce_spent TO c2d_service;
GRANT INSERT, SELECT ON notifications TO c2d_engine;
GRANT INSERT, SELECT ON output_deliveries TO c2d_engine;
GRANT INSERT, SELECT ON proofs TO c2d_engine;
GRANT SELECT ON proofs TO c2d_service;
GRANT DELETE ON result_keys TO c2d_engine;
GRANT SELECT ON result_keys TO c2d_service;
GRANT SELECT ON schema_migrations TO c2d_engine;
GRANT SELECT ON schema_migrations TO c2d_service;
GRANT SELECT ON schema_migrations_lock TO c2d_engine;
GRANT SELECT ON schema_migrations_lock TO c2d_service;
GRANT INSERT, SELECT, UPDATE ON step_attempts TO c2d_engine;
GRANT INSERT, SELECT, UPDATE ON step_tokens TO c2d_engine;
GRANT SELECT (purpose, job_id, nonce, hashes, state) ON chain_transactions TO c2d_service;
GRANT UPDATE (state, did, nft, datatoken, note, next_at) ON derived_assets TO c2d_engine;
GRANT UPDATE (status, statustext, laststatusupdate, datefinished, outputsurl, stopreq, epoch, claimed_by, lease_expires_at, reason, exit_code, results_expire_at, results_removed_at, isolation, proof_due) ON jobs TO c2d_engine;
GRANT INSERT (agreementid, workflowid, owner, status, statustext, namespace, workflow, provider, request_key, valid_until) ON jobs TO c2d_service;
GRANT UPDATE (stopreq) ON jobs TO c2d_service;
GRANT UPDATE (attempts, next_at, delivered_at, last_error) ON notifications TO c2d_engine;
GRANT UPDATE (state, attempts, note, next_at) ON output_deliveries TO c2d_engine;
GRANT UPDATE (anchor_due, anchor_next_at, anchor_note) ON proofs TO c2d_engine;
GRANT SELECT (job_id, object) ON result_keys TO c2d_engine;
GRANT EXECUTE ON FUNCTION announce(character varying,text,integer) TO PUBLIC;
GRANT EXECUTE ON FUNCTION claim_jobs(text,integer,text,double precision) TO c2d_engine;
GRANT EXECUTE ON FUNCTION delivery_key(text,text) TO c2d_engine;
GRANT EXECUTE ON FUNCTION queue_front(text,bigint) TO c2d_engine;
GRANT EXECUTE ON FUNCTION report_outputs(text,text,jsonb) TO c2d_pod;
GRANT EXECUTE ON FUNCTION report_progress(text,text,jsonb) TO c2d_pod;
GRANT EXECUTE ON FUNCTION report_provisioning(text,text,integer,jsonb) TO c2d_pod;
GRANT EXECUTE ON FUNCTION report_publishing(text,text,jsonb) TO c2d_pod;
