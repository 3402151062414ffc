-- What is known of the price tables that were applied (prices/apply.h) and of the cloud's (prices/sync.h).

CREATE TABLE cch_data.price_applied (
  kind text PRIMARY KEY,    -- sync, upload, upload manual
  digest text NOT NULL,     -- of the content and the options
  state text NOT NULL,      -- of the rows of public.model_prices afterwards
  skipped text[] NOT NULL,  -- manual prices that were left alone
  applied_at timestamptz DEFAULT now() NOT NULL
);

CREATE TABLE cch_data.price_sync (
  one boolean PRIMARY KEY DEFAULT true CHECK (one), -- row
  last_try_at timestamptz,
  last_success_at timestamptz,
  error_code text,          -- of the last try; NULL: it succeeded
  error text,
  upstream_status integer,  -- the HTTP status of the last try, if there was an answer
  url text,                 -- of the last success, as are the rest
  etag text,
  last_modified text,
  state text,               -- of the rows of public.model_prices afterwards
  version text,
  model_count integer,
  model_names text[],
  result jsonb
);
