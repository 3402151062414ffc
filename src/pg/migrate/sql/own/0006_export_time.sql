-- How long each export took, and how large its tables were: by these the next one is estimated.

ALTER TABLE cch_data.exports
  ADD COLUMN duration_ms bigint,
  ADD COLUMN relation_bytes bigint; -- of the tables, as PostgreSQL counts relations
