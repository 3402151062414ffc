-- What each export held: its manifest, by which an archive can be verified later.

CREATE TABLE cch_data.exports (
  id bigserial PRIMARY KEY,
  file_name text NOT NULL,
  archive_sha256 text NOT NULL,
  manifest json NOT NULL, -- as FILE.manifest.json has it
  made_by text,
  made_at timestamptz DEFAULT now() NOT NULL
);

CREATE INDEX exports_archive_sha256 ON cch_data.exports (archive_sha256);
