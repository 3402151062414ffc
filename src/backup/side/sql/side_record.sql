-- Records a kept database that was found again. $1: name, $2: OID, $3: reason, $4: made at, $5: expires at.
INSERT INTO cch_data.databases AS r (name, kind, live_oid, side_oid, reason, made_at, expires_at)
SELECT $1, 'kept', d.oid, $2::pg_catalog.oid, $3, $4::pg_catalog.timestamptz, $5::pg_catalog.timestamptz
FROM pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database()
ON CONFLICT (name) DO UPDATE
  SET kind = excluded.kind, live_oid = excluded.live_oid, side_oid = excluded.side_oid, reason = excluded.reason,
      made_at = excluded.made_at, expires_at = excluded.expires_at
