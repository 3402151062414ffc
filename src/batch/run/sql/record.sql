UPDATE cch_data.operations SET changes = $2::json, changed_count = $3::int4, result = $4::json WHERE id = $1
