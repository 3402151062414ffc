-- Backups that were found at a destination and not made from these records, as those of another database in the same
-- place; and since when a job is switched on, before which it owes no backup.

ALTER TABLE cch_data.backups ADD COLUMN is_found boolean DEFAULT FALSE NOT NULL;
ALTER TABLE cch_data.backup_jobs ADD COLUMN enabled_at timestamptz;
