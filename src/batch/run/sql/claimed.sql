SELECT result, fingerprint FROM cch_data.operations WHERE operator = $1 AND idempotency_key = $2
