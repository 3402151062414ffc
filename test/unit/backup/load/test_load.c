/* Loads archives of real databases and compares the result with pg_restore's. */
#include "base/error.h"
#include "demo/demo.h"
#include "load_databases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static LoadDatabases *databases;

static void
run_fixture(const char *database, const char *name)
{
  g_autofree char *path = g_build_filename(SOURCE_ROOT, "test", "api", "fixtures", name, NULL);
  load_databases_exec_file(databases, database, path);
}

/* Loads into a new database; the caller frees its name. */
static char *
load_new(const char *archive, const LoadRun *run)
{
  char *database = load_databases_create(databases, "");
  g_autoptr(GError) error = NULL;
  g_autoptr(LoadResult) result = load_databases_load(databases, archive, database, run, &error);
  if (result == NULL)
    fail_msg("%s", error->message);
  load_databases_assert_left(databases, database);
  return database;
}

/* Asserts that a load and pg_restore make the same of the database's archive. `jobs` are numbers of connections, 0 at
 * the end. */
static void
assert_loads_as_pg_restore(const char *source, const guint *jobs)
{
  g_autofree char *archive = load_databases_dump(databases, source);
  g_autofree char *expected = load_databases_pg_restore(databases, archive);
  for (; *jobs != 0; jobs++) {
    g_autofree char *loaded = load_new(archive, &(LoadRun){.jobs = *jobs});
    load_databases_assert_equal(databases, loaded, expected);
  }
}

static const guint THREE_JOBS[] = {3, 0};

static void
a_database_with_everything_loads_as_pg_restore_restores_it(void **state)
{
  g_autofree char *source = load_databases_create(databases, "");
  run_fixture(source, "everything.sql");
  assert_loads_as_pg_restore(source, (const guint[]){1, 4, 0});
}

static void
a_hub_database_with_rows_loads_as_pg_restore_restores_it(void **state)
{
  g_autofree char *source = load_databases_create(databases, "");
  run_fixture(source, "hub-v05.sql");
  g_autofree char *dsn = load_databases_dsn(databases, source);
  g_autoptr(GError) error = NULL;
  g_autoptr(PgConnection) connection = pg_connection_open(dsn, "unit", NULL, &error);
  assert_non_null(connection);
  if (!demo_fill(connection, &(DemoOptions){.n_requests = 2000, .seed = 7, .add_to_data = TRUE}, NULL, NULL, &error))
    fail_msg("%s", error->message);
  assert_loads_as_pg_restore(source, THREE_JOBS);
}

static void
foreign_keys_in_a_circle_and_partitions_load_as_pg_restore_restores_them(void **state)
{
  static const char sql[] =
      "CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);"
      "INSERT INTO a SELECT i, i FROM generate_series(1, 2000) i; INSERT INTO b SELECT i, i FROM generate_series(1, "
      "2000) i;"
      "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b; ALTER TABLE a ADD FOREIGN KEY (id) REFERENCES a;"
      "CREATE TABLE p (id int, at int, note text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
      "DO $$ BEGIN FOR i IN 0 .. 19 LOOP"
      "  EXECUTE format('CREATE TABLE p%s PARTITION OF p FOR VALUES FROM (%s) TO (%s)', i, i * 100, i * 100 + 100);"
      "END LOOP; END $$;"
      "CREATE TABLE q PARTITION OF p FOR VALUES FROM (5000) TO (9000) PARTITION BY HASH (id);"
      "CREATE TABLE q0 PARTITION OF q FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE q1 PARTITION OF q FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
      "INSERT INTO p SELECT i, i % 2000, repeat('x', 100) FROM generate_series(1, 6000) i;"
      "INSERT INTO p SELECT i, 5000 + i, NULL FROM generate_series(1, 1000) i;"
      "CREATE INDEX ON p (note); CREATE INDEX ON p (at DESC) WHERE note IS NOT NULL;"
      "CREATE TABLE r (id int, at int, FOREIGN KEY (id, at) REFERENCES p); INSERT INTO r SELECT id, at FROM p;"
      "CREATE MATERIALIZED VIEW m AS SELECT at, count(*) FROM p GROUP BY at; CREATE UNIQUE INDEX ON m (at);"
      "CREATE MATERIALIZED VIEW mm AS SELECT sum(count) FROM m;"
      "ALTER TABLE r REPLICA IDENTITY FULL; CREATE UNIQUE INDEX ri ON b (id); ALTER TABLE b REPLICA IDENTITY USING "
      "INDEX ri;"
      "CREATE INDEX bi ON b (a); ALTER TABLE b CLUSTER ON bi";
  g_autofree char *source = load_databases_create(databases, "");
  load_databases_exec(databases, source, sql);
  assert_loads_as_pg_restore(source, THREE_JOBS);
}

static void
many_small_tables_load_as_pg_restore_restores_them(void **state)
{
  g_autofree char *source = load_databases_create(databases, "");
  load_databases_exec(
      databases, source,
      "DO $$ BEGIN FOR i IN 1 .. 100 LOOP EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, name "
      "text UNIQUE); INSERT INTO t%s (name) SELECT n FROM generate_series(1, %s) n', i, i, i % 7);"
      "END LOOP; END $$");
  assert_loads_as_pg_restore(source, THREE_JOBS);
}

static void
large_objects_load_as_pg_restore_restores_them(void **state)
{
  g_autofree char *source = load_databases_create(databases, "");
  load_databases_exec(
      databases, source,
      "CREATE TABLE t (o oid); INSERT INTO t SELECT lo_from_bytea(0, convert_to(repeat('x', i * 100000), "
      "'UTF8')) FROM generate_series(0, 10) i; COMMENT ON TABLE t IS 'with large objects'");
  assert_loads_as_pg_restore(source, THREE_JOBS);
}

static void
an_archive_in_another_encoding_is_converted_on_every_connection(void **state)
{
  g_autofree char *source = load_databases_create(databases, "ENCODING 'LATIN1' LOCALE 'C'");
  load_databases_exec(databases, source,
                      "CREATE TABLE one (t text); INSERT INTO one SELECT chr(233) || i FROM generate_series(1, 9) i;"
                      "CREATE TABLE two (t text); INSERT INTO two SELECT chr(252) || i FROM generate_series(1, 9) i");
  g_autofree char *archive = load_databases_dump(databases, source);
  g_autofree char *loaded = load_new(archive, &(LoadRun){.jobs = 2});
  load_databases_assert_value(databases, loaded,
                              "SELECT (SELECT bool_and(t LIKE U&'\\00E9%') FROM public.one) AND "
                              "(SELECT bool_and(t LIKE U&'\\00FC%') FROM public.two)",
                              "t");
}

/* Each connection's part has its own transaction. */
static void
the_rows_of_one_table_are_split_between_the_connections(void **state)
{
  g_autofree char *source = load_databases_create(databases, "");
  load_databases_exec(databases, source,
                      "CREATE TABLE big (id int, t text);"
                      "INSERT INTO big SELECT i, repeat('0123456789', 50) FROM generate_series(1, 40000) i");
  g_autofree char *archive = load_databases_dump(databases, source);
  g_autofree char *loaded = load_new(archive, &(LoadRun){.jobs = 2});
  load_databases_assert_value(databases, loaded, "SELECT count(DISTINCT xmin::text) FROM public.big", "2");
  load_databases_assert_value(databases, loaded, "SELECT count(DISTINCT id) || ' ' || count(*) FROM public.big",
                              "40000 40000");
}

static void
a_row_larger_than_any_block_arrives_whole(void **state)
{
  g_autofree char *source = load_databases_create(databases, "");
  load_databases_exec(databases, source,
                      "CREATE TABLE wide (id int, t text); ALTER TABLE wide ALTER t SET STORAGE EXTERNAL;"
                      "INSERT INTO wide SELECT i, repeat(md5(i::text), CASE i WHEN 25 THEN 1600000 ELSE 40 END) "
                      "FROM generate_series(1, 100) i");
  g_autofree char *archive = load_databases_dump(databases, source);
  g_autofree char *loaded = load_new(archive, &(LoadRun){.jobs = 4});
  load_databases_assert_value(databases, loaded,
                              "SELECT count(*) || ' ' || max(length(t)) || ' ' || bool_and(t = repeat(md5(id::text), "
                              "length(t) / 32)) FROM public.wide",
                              "100 51200000 true");
}

static void
a_server_without_connections_to_spare_is_loaded_by_fewer(void **state)
{
  g_autofree char *source = load_databases_create(databases, "");
  load_databases_exec(databases, source, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
  assert_true(LOAD_MAX_JOBS > 40); /* the server's connections */
  g_autofree char *archive = load_databases_dump(databases, source);
  g_autofree char *loaded = load_new(archive, &(LoadRun){.jobs = LOAD_MAX_JOBS});
  load_databases_assert_value(databases, loaded, "SELECT count(*) FROM public.t", "2");
}

static void
the_result_tells_each_tables_rows_and_their_hash(void **state)
{
  g_autofree char *source = load_databases_create(databases, "");
  load_databases_exec(
      databases, source,
      "CREATE TABLE empty (id int); CREATE TABLE filled (id int); INSERT INTO filled VALUES (1), (22), (333)");
  g_autofree char *archive = load_databases_dump(databases, source);
  g_autofree char *database = load_databases_create(databases, "");
  g_autoptr(GError) error = NULL;
  g_autoptr(LoadResult) result =
      load_databases_load(databases, archive, database, &(LoadRun){.jobs = 2, .hash_rows = TRUE}, &error);
  assert_non_null(result);
  assert_int_equal(result->tables->len, 2);
  const LoadedTable *empty = &g_array_index(result->tables, LoadedTable, 0);
  const LoadedTable *filled = &g_array_index(result->tables, LoadedTable, 1);
  assert_string_equal(empty->entry->copy_stmt, "COPY public.empty (id) FROM stdin;\n");
  g_autoptr(RowHash) hash = row_hash_new();
  RowTotals nothing = row_hash_take(hash);
  assert_true(row_totals_equal(&empty->totals, &nothing));
  row_hash_push(hash, (const guint8 *)"1\n22\n333\n", strlen("1\n22\n333\n"));
  RowTotals three = row_hash_take(hash);
  assert_true(row_totals_equal(&filled->totals, &three));
}

static int
start(void **state)
{
  databases = load_databases_start();
  return 0;
}

static int
end(void **state)
{
  load_databases_stop(databases);
  return 0;
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_database_with_everything_loads_as_pg_restore_restores_it),
      cmocka_unit_test(a_hub_database_with_rows_loads_as_pg_restore_restores_it),
      cmocka_unit_test(foreign_keys_in_a_circle_and_partitions_load_as_pg_restore_restores_them),
      cmocka_unit_test(many_small_tables_load_as_pg_restore_restores_them),
      cmocka_unit_test(large_objects_load_as_pg_restore_restores_them),
      cmocka_unit_test(an_archive_in_another_encoding_is_converted_on_every_connection),
      cmocka_unit_test(the_rows_of_one_table_are_split_between_the_connections),
      cmocka_unit_test(a_row_larger_than_any_block_arrives_whole),
      cmocka_unit_test(a_server_without_connections_to_spare_is_loaded_by_fewer),
      cmocka_unit_test(the_result_tells_each_tables_rows_and_their_hash),
  };
  return cmocka_run_group_tests(tests, start, end);
}
