UPDATE cch_data.operations SET changes = $2::jsonb, result = $3::jsonb WHERE id = $1
