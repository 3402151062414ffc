-- Our own schema, which imports leave alone.

CREATE SCHEMA IF NOT EXISTS cch_data;

CREATE TABLE cch_data.migrations (
  series text NOT NULL,
  number integer NOT NULL,
  name text NOT NULL,
  sha256 text NOT NULL, -- of the file, in hexadecimal
  applied_at timestamptz DEFAULT now() NOT NULL,
  PRIMARY KEY (series, number)
);

-- For hubs without public.audit_log (before v0.9): the same columns.
CREATE TABLE cch_data.audit_log (
  id serial PRIMARY KEY,
  action_category varchar(32) NOT NULL,
  action_type varchar(64) NOT NULL,
  target_type varchar(32),
  target_id varchar(64),
  target_name varchar(256),
  before_value jsonb,
  after_value jsonb,
  operator_user_id integer,
  operator_user_name varchar(128),
  operator_key_id integer,
  operator_key_name varchar(128),
  operator_ip varchar(45),
  user_agent varchar(512),
  success boolean NOT NULL,
  error_message text,
  created_at timestamptz DEFAULT now() NOT NULL
);

CREATE INDEX audit_log_created_at_id ON cch_data.audit_log (created_at DESC NULLS LAST, id DESC NULLS LAST);
