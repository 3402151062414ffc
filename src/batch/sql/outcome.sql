SELECT id FROM cch_data.operations WHERE id = $1
