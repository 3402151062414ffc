-- Records an applied table. $1: kind, $2: digest, $3: the table's state now, $4: names left alone.
INSERT INTO cch_data.price_applied (kind, digest, state, skipped)
VALUES ($1, $2, $3, $4::pg_catalog.text[])
    ON CONFLICT (kind) DO UPDATE SET digest = excluded.digest, state = excluded.state, skipped = excluded.skipped,
       applied_at = pg_catalog.now()
