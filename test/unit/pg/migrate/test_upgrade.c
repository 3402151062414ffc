/* Upgrades: databases as earlier versions left them, after each of our own migrations, with rows that those versions
 * wrote. */
#include "base/error.h"
#include "pg/connection/connection_support.h"
#include "pg/migrate/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

/* A migration, by the name of its file. */
typedef struct {
  const char *name;
  const char *sha256; /* as databases have it on record: a published file never changes */
  const char *rows;   /* what a version wrote whose last migration this is */
} Published;

static const Published published[] = {
    {"0001_schema", "5d8329b6d8404e7522e58c7e72062956759705ee668678ad18ede309c8b94320",
     "INSERT INTO cch_data.audit_log (action_category, action_type, target_name, before_value, after_value, success)"
     " VALUES ('database', 'import', 'hub.dump', NULL, '{\"rows\": 7}', true),"
     "        ('database', 'export', NULL, NULL, NULL, false)"},
    {"0002_databases", "ee694625604c907758e74d7c8a64561bfc095d3972456614aecbc77ba578f93c",
     "INSERT INTO cch_data.databases (name, kind, live_oid, side_oid, made_by, expires_at, reason)"
     " VALUES ('hub_kept', 'kept', 16384, 16400, 'admin', now() + interval '1 day', 'import'),"
     "        ('hub_shadow', 'shadow', 16384, NULL, 'admin', NULL, NULL)"},
    {"0003_prices", "09bc42403c19c69328e5509207a101689f2b233595d31794efc34b4d662d63f4",
     "INSERT INTO cch_data.price_applied (kind, digest, state, skipped) VALUES ('sync', 'd', 's', '{m1,m2}');"
     "INSERT INTO cch_data.price_sync (last_try_at, url, model_count, model_names, result)"
     " VALUES (now(), 'https://prices.example/table.json', 2, '{m1,m2}', '{\"added\": 2}')"},
    {"0004_operations", "a3fcfb4e55e19630c924d1fadc32a71a6a804db667338f3c6f1e12624050b5b2",
     "INSERT INTO cch_data.operations (id, kind, operator, idempotency_key, fingerprint, expires_at, changes, result)"
     " VALUES ('a', 'users:batchUpdate', 'admin', 'k', 'f', now() + interval '1 day',"
     "         '[{\"id\": 1, \"changes\": []}, {\"id\": 2, \"changes\": []}]', '{\"changed\": 2}'),"
     "        ('b', 'keys:batchUpdate', 'admin', NULL, 'f', now() + interval '1 day', NULL, NULL)"},
    {"0005_exports", "f265970eb91ed14e94fcb6f3cb01939b8883384ac2ceed48e6d4c55687d2477f",
     "INSERT INTO cch_data.exports (file_name, archive_sha256, manifest, made_by) VALUES ('a.dump', '00', '{}', "
     "'admin')"},
    {"0006_export_time", "f9153bd0cc57b4d304a899cbb06f0bb754581c96dfb532856115d4f9dd7efaeb",
     "INSERT INTO cch_data.exports (file_name, archive_sha256, manifest, duration_ms, relation_bytes)"
     " VALUES ('b.dump', '01', '{}', 1200, 8192)"},
    {"0007_price_held", "747d59f51966d412775ed9f0b98a8e81139d97e5762c944ddfc13ce1c504c3cc",
     "INSERT INTO cch_data.price_held (model_name, price_data, reasons) VALUES ('m1', '{\"mode\": \"chat\"}', '[]')"},
    {"0008_ended_sessions", "929899a052eb901d97ae07f5178a952a74f469b7f3ed83b70b73a1d983df6067",
     "INSERT INTO cch_data.ended_sessions VALUES (-4711, now() + interval '1 day')"},
    {"0009_operations_json", "c49153e955339e50132d4b24e01a1b01948a3783d61108d13fbc08d5ee230c32",
     "INSERT INTO cch_data.operations (id, kind, operator, fingerprint, expires_at, changes, changed_count)"
     " VALUES ('c', 'providers:batchUpdate', 'admin', 'f', now() + interval '1 day', '[{\"id\": 3}]', 1)"},
    {"0010_backups", "13f6504d799efbadc2c51c3c73e31fec6b866667ef0dd7585c76cff2c70c6c6f",
     "UPDATE cch_data.backup_jobs SET is_enabled = true, is_offered = false;"
     "INSERT INTO cch_data.backup_destinations (name, kind, settings, secrets) VALUES ('far', 's3', '{}', '\\x00ff');"
     "INSERT INTO cch_data.backup_jobs (name, is_enabled, settings) VALUES ('hourly', true, '{\"schedule\": \"0 * * * "
     "*\"}');"
     "INSERT INTO cch_data.backups (destination_id, job_name, name, made_at, bytes, is_encrypted, is_pinned, state)"
     " VALUES (1, 'daily', 'backup_1.dump', now(), 10, false, true, 'proven');"
     "INSERT INTO cch_data.backup_runs (kind, job_id, job_name, state, asked_by)"
     " VALUES ('backup', 1, 'daily', 'succeeded', 'schedule')"},
    {"0011_notify", "8f4cef8bcc0be1f5231a8f5d9d6f68915b2757e7db9573c75e8b2b89d573ac29",
     "INSERT INTO cch_data.notify_channels (name, type, language, kinds, settings, target, secret_names)"
     " VALUES ('ops', 'email', 'en', '{backup_failed}', '{}', 'ops@example.org', '{}');"
     "INSERT INTO cch_data.notify_states VALUES ('job:daily', 'backup_failed', true, now(), now());"
     "INSERT INTO cch_data.notify_queue (channel_id, subject, kind, mood, since, host, details, made_at, next_try_at)"
     " SELECT id, 'job:daily', 'backup_failed', 'bad', now(), 'host', '{}', now(), now() FROM "
     "cch_data.notify_channels"},
    {"0012_backups_found", "1612577e0f6231a414c94cb98fee38f84ccc8bd162cd54404ecc79dc5cf5ded2",
     "INSERT INTO cch_data.backups (destination_id, job_name, name, made_at, bytes, is_encrypted, state, is_found)"
     " VALUES (1, 'daily', 'backup_2.dump', now(), 10, true, 'stored', true)"},
    {"0013_statistics", "a899388588d03fffce5976d9298960aed1a8a56cbaafd2b59e1348541fa35c1e",
     "INSERT INTO cch_data.statistics_owed (database_oid) VALUES (16384)"},
};

/* Relations, columns, defaults, indexes, and constraints of our schema, one per line. */
#define DESCRIBE                                                                                                       \
  "WITH relations AS (SELECT oid, relname, relkind FROM pg_class WHERE relnamespace = 'cch_data'::regnamespace)"       \
  "SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM ("                                                 \
  "  SELECT concat_ws(' ', relkind, relname, attnum, attname, format_type(atttypid, atttypmod), attnotnull,"           \
  "                   attidentity, pg_get_expr(adbin, adrelid)) AS line"                                               \
  "  FROM relations LEFT JOIN pg_attribute ON attrelid = relations.oid AND attnum > 0 AND NOT attisdropped"            \
  "  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"                                                    \
  "  UNION ALL SELECT pg_get_indexdef(indexrelid) FROM relations JOIN pg_index ON indrelid = relations.oid"            \
  "  UNION ALL SELECT relname || ' ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid)"                     \
  "  FROM relations JOIN pg_constraint ON conrelid = relations.oid) AS described"

/* Keeps every row of our schema as JSON, in the schema "older". */
#define KEEP_ROWS                                                                                                      \
  "CREATE SCHEMA older;"                                                                                               \
  "DO $$ DECLARE name text; BEGIN"                                                                                     \
  "  FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'cch_data'::regnamespace AND relkind = 'r' LOOP"    \
  "    EXECUTE format('CREATE TABLE older.%1$I AS SELECT to_jsonb(t) AS kept FROM cch_data.%1$I t', name);"            \
  "  END LOOP;"                                                                                                        \
  "END $$"

/* Tables whose rows are not those kept, each once: a column more is no difference. */
#define LOST_ROWS                                                                                                      \
  "CREATE FUNCTION pg_temp.lost() RETURNS text LANGUAGE plpgsql AS $$"                                                 \
  "DECLARE name text; is_lost boolean; lost text := ''; BEGIN"                                                         \
  "  FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'older'::regnamespace AND relkind = 'r' LOOP"       \
  "    EXECUTE format('SELECT EXISTS (SELECT FROM older.%1$I o WHERE (SELECT count(*) FROM cch_data.%1$I n"            \
  "      WHERE to_jsonb(n) @> o.kept) <> 1) OR NOT EXISTS (SELECT FROM older.%1$I)"                                    \
  "      OR (%1$L <> ''migrations'' AND (SELECT count(*) FROM older.%1$I) <> (SELECT count(*) FROM cch_data.%1$I))',"  \
  "      name) INTO is_lost;"                                                                                          \
  "    IF is_lost THEN lost := lost || name || ' '; END IF;"                                                           \
  "  END LOOP; RETURN lost;"                                                                                           \
  "END $$"

static guint
migrate(PgConnection *connection)
{
  g_autoptr(GError) error = NULL;
  MigrateResult result = {0};
  if (!pg_migrate(connection, &result, &error))
    fail_msg("%s", error->message);
  return result.n_applied;
}

/* A database as the version left it whose last migration is `last`, with rows of each version until then. */
static PgConnection *
make_older(gsize last)
{
  g_autofree char *name = g_strdup_printf("older_%zu", last + 1);
  PgConnection *connection = create_database(name);
  for (gsize i = 0; i <= last; i++) {
    g_autofree char *file = g_strconcat(published[i].name, ".sql", NULL);
    g_autofree char *path = g_build_filename(SOURCE_ROOT, "src/pg/migrate/sql/own", file, NULL);
    g_autofree char *sql = NULL;
    assert_true(g_file_get_contents(path, &sql, NULL, NULL));
    exec_ok(connection, sql);
    g_autofree char *record = g_strdup_printf("INSERT INTO cch_data.migrations (series, number, name, sha256)"
                                              " VALUES ('own', %zu, '%s', '%s')",
                                              i + 1, published[i].name + strlen("0000_"), published[i].sha256);
    exec_ok(connection, record);
    exec_ok(connection, published[i].rows);
  }
  return connection;
}

static void
published_migrations_are_on_record_as_they_were(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = create_database("fresh");
  migrate(connection);
  g_autofree char *found =
      ask(connection, "SELECT string_agg(format('%s_%s %s', to_char(number, 'FM0000'), name, sha256),"
                      " E'\\n' ORDER BY number) FROM cch_data.migrations");
  g_autoptr(GString) expected = g_string_new(NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(published); i++)
    g_string_append_printf(expected, "%s%s %s", i > 0 ? "\n" : "", published[i].name, published[i].sha256);
  /* A new migration needs an entry in `published`, with its SHA-256 and rows of its tables. */
  assert_string_equal(found, expected->str);
}

static void
each_earlier_version_is_upgraded_with_its_rows(void **state)
{
  (void)state;
  g_autoptr(PgConnection) fresh = open_database("fresh");
  g_autofree char *expected = ask(fresh, DESCRIBE);
  for (gsize last = 0; last < G_N_ELEMENTS(published); last++) {
    g_autoptr(PgConnection) older = make_older(last);
    exec_ok(older, KEEP_ROWS);
    assert_int_equal(migrate(older), G_N_ELEMENTS(published) - 1 - last);
    g_autofree char *found = ask(older, DESCRIBE);
    assert_string_equal(found, expected);
    exec_ok(older, LOST_ROWS);
    g_autofree char *lost = ask(older, "SELECT pg_temp.lost()");
    if (*lost != '\0')
      fail_msg("from %s: rows are lost of %s", published[last].name, lost);
    assert_int_equal(migrate(older), 0);
  }
}

static void
a_batch_of_an_earlier_version_gets_the_number_of_its_rows(void **state)
{
  (void)state;
  g_autoptr(PgConnection) older = open_database("older_4");
  g_autofree char *counts =
      ask(older, "SELECT string_agg(id || ' ' || coalesce(changed_count::text, '-'), ', ' ORDER BY id)"
                 " FROM cch_data.operations");
  assert_string_equal(counts, "a 2, b -");
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_migrations_are_on_record_as_they_were),
      cmocka_unit_test(each_earlier_version_is_upgraded_with_its_rows),
      cmocka_unit_test(a_batch_of_an_earlier_version_gets_the_number_of_its_rows),
  };
  return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
