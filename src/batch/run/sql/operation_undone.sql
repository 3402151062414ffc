UPDATE cch_data.operations SET undone_by = $2, undone_at = now() WHERE id = $1
