-- Batches: what each one did, so that it can be taken back, and its answer, for a request that comes again.

CREATE TABLE cch_data.operations (
  id text PRIMARY KEY,
  kind text NOT NULL, -- 'users:batchUpdate', …, 'operations:undo'
  operator text NOT NULL,
  operator_ip text,
  idempotency_key text,
  fingerprint text NOT NULL, -- of the request
  created_at timestamptz DEFAULT now() NOT NULL,
  expires_at timestamptz NOT NULL,
  changes jsonb, -- [{entity, id, name, changes: [{column, before, after}]}]
  result jsonb,  -- the answer
  undone_by text,
  undone_at timestamptz,
  UNIQUE (operator, idempotency_key)
);

CREATE INDEX operations_expires_at ON cch_data.operations (expires_at);
