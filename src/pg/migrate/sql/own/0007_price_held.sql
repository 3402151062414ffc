-- Price changes of the cloud that wait for somebody's approval (prices/apply/held.h), and since when syncs fail.

CREATE TABLE cch_data.price_held (
  model_name text PRIMARY KEY,
  price_data jsonb NOT NULL,          -- as the cloud has it
  reasons jsonb NOT NULL,             -- [{"field", "code", "old", "new"}]
  held_at timestamptz DEFAULT now() NOT NULL,
  rejected_at timestamptz,            -- NULL: waits
  rejected_by text
);

ALTER TABLE cch_data.price_sync
  ADD COLUMN failures integer DEFAULT 0 NOT NULL, -- since the last success
  ADD COLUMN failing_since timestamptz;           -- NULL: the last try succeeded
