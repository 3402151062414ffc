-- Databases beside this one: the shadow that an overwriting import loads, and what was live before (undo).
--
-- A record counts only in the database whose OID is live_oid: in a copy of it (CREATE DATABASE … TEMPLATE) it is not true.

CREATE TABLE cch_data.databases (
  name text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('shadow', 'kept')),
  live_oid oid NOT NULL,
  side_oid oid, -- NULL: recorded, and maybe not yet created
  made_by text, -- who imported, or undid
  made_at timestamptz DEFAULT now() NOT NULL,
  expires_at timestamptz, -- of a kept one: when it is dropped
  reason text -- of a kept one, what replaced it: import, undo
);
