-- Scheduled backups (src/schedule): destinations, jobs, what lies where, and what ran. backups is a cache of what lies at
-- the destinations: a scan writes it anew.

CREATE TABLE cch_data.backup_destinations (
  id bigserial PRIMARY KEY,
  name text NOT NULL UNIQUE,
  kind text NOT NULL,       -- 'directory', 's3', … (storage/storage.h)
  settings jsonb NOT NULL,  -- without secrets
  secrets bytea,            -- sealed (base/os/seal.h); NULL: none
  bandwidth_bytes_s bigint DEFAULT 0 NOT NULL, -- 0: no limit
  created_at timestamptz DEFAULT now() NOT NULL,
  last_ok_at timestamptz,
  last_error_at timestamptz,
  last_error text           -- NULL: the last access succeeded
);

CREATE TABLE cch_data.backup_jobs (
  id bigserial PRIMARY KEY,
  name text NOT NULL UNIQUE, -- also of its folder at the destinations
  is_enabled boolean NOT NULL,
  is_offered boolean DEFAULT FALSE NOT NULL, -- made by us; nobody has decided about it yet
  settings jsonb NOT NULL,   -- schedule/catalog/job.h
  created_at timestamptz DEFAULT now() NOT NULL,
  handled_at timestamptz DEFAULT now() NOT NULL, -- what was due until then has been run or missed
  next_at timestamptz        -- NULL: not known, or switched off
);

CREATE TABLE cch_data.backups (
  id bigserial PRIMARY KEY,
  destination_id bigint NOT NULL,
  job_name text NOT NULL,
  name text NOT NULL,        -- of the file, in the job's folder
  made_at timestamptz NOT NULL, -- its snapshot
  bytes bigint NOT NULL,     -- of the file
  sha256 text,               -- likewise; NULL: unknown
  row_count bigint,          -- by its manifest
  manifest json,             -- NULL: none lies beside it
  is_encrypted boolean NOT NULL,
  is_pinned boolean DEFAULT FALSE NOT NULL,
  state text NOT NULL,       -- 'made', 'stored', 'proven', 'damaged', 'missing'
  proof text,                -- of the last success: 'checksum', 'read', 'drill'
  stored_at timestamptz,
  verified_at timestamptz,   -- read back whole
  proven_at timestamptz,     -- the last proof of any kind
  recovery_ms bigint,        -- measured by the last drill
  problem text,              -- why it is damaged, or could not be deleted
  UNIQUE (destination_id, job_name, name)
);

CREATE INDEX backups_made_at ON cch_data.backups (made_at DESC, id DESC);

CREATE TABLE cch_data.backup_runs (
  id bigserial PRIMARY KEY,
  kind text NOT NULL,        -- 'backup', 'verify', 'drill', 'prune', 'scan'
  job_id bigint,
  job_name text,
  backup_id bigint,          -- of a verification or drill
  destination_id bigint,     -- of a scan
  state text NOT NULL,       -- 'queued', 'running', 'succeeded', 'failed', 'cancelled'
  asked_by text NOT NULL,    -- 'schedule', or who asked
  created_at timestamptz DEFAULT now() NOT NULL,
  started_at timestamptz,
  ended_at timestamptz,
  runner text,               -- of the process that runs it
  alive_at timestamptz,      -- its last sign of life
  is_cancelled boolean DEFAULT FALSE NOT NULL, -- somebody asked for its end
  tries integer DEFAULT 0 NOT NULL, -- runners that began it
  progress jsonb,            -- {phase, bytes, total, …}
  log jsonb DEFAULT '[]' NOT NULL, -- [{at, event, …}]
  error_code text,
  message text,
  backup_name text,
  bytes bigint,
  row_count bigint,
  recovery_ms bigint
);

CREATE INDEX backup_runs_state ON cch_data.backup_runs (state) WHERE state IN ('queued', 'running');
CREATE INDEX backup_runs_job ON cch_data.backup_runs (job_name, id DESC);

-- An empty database and a full one alike begin with one job, which is switched on in the private cluster, and offered
-- elsewhere.
INSERT INTO cch_data.backup_destinations (name, kind, settings) VALUES ('local', 'directory', '{}');
INSERT INTO cch_data.backup_jobs (name, is_enabled, is_offered, settings)
SELECT 'daily', FALSE, TRUE, jsonb_build_object('schedule', '0 4 * * *', 'destinations', jsonb_build_array(id))
FROM cch_data.backup_destinations;
