-- No row when the operation is recorded; waits for the transaction that may yet record it. To be rolled back.
INSERT INTO cch_data.operations (id, kind, operator, fingerprint, expires_at) VALUES ($1, '', '', '', now())
ON CONFLICT (id) DO NOTHING RETURNING id
