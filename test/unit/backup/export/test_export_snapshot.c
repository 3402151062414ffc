#include "backup/export/export_snapshot.h"
#include "backup/export/export_units.h"
#include "base/error.h"
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static TestPostgres *postgres;
static PgConnection *other;

static void
exec(PgConnection *connection, const char *sql)
{
  g_autoptr(GError) error = NULL;
  if (!pg_connection_exec(connection, sql, &error))
    fail_msg("%s: %s", sql, error->message);
}

static char *
ask(PgConnection *connection, const char *sql)
{
  g_autoptr(GError) error = NULL;
  char *value = NULL;
  if (!pg_connection_value(connection, &value, &error, sql, 0))
    fail_msg("%s: %s", sql, error->message);
  return value;
}

static void
assert_answer(PgConnection *connection, const char *sql, const char *expected)
{
  g_autofree char *value = ask(connection, sql);
  assert_non_null(value);
  assert_string_equal(value, expected);
}

static ExportSnapshot *
take(void)
{
  g_autoptr(GError) error = NULL;
  ExportSnapshot *snapshot = export_snapshot_take(test_postgres_dsn(postgres), NULL, &error);
  if (snapshot == NULL)
    fail_msg("%s", error->message);
  return snapshot;
}

static void
all_connections_see_the_same_instant(void **state)
{
  (void)state;
  exec(other, "DROP TABLE IF EXISTS t; CREATE TABLE t (a integer); INSERT INTO t VALUES (1)");
  g_autoptr(ExportSnapshot) snapshot = take();
  exec(other, "INSERT INTO t VALUES (2)");
  gboolean lock_waited = TRUE;
  assert_true(export_snapshot_join(snapshot, 3, NULL, &lock_waited, NULL));
  assert_int_equal(snapshot->connections->len, 3);
  exec(other, "INSERT INTO t VALUES (3)");
  for (guint i = 0; i < 3; i++) {
    PgConnection *connection = g_ptr_array_index(snapshot->connections, i);
    assert_answer(connection, "SELECT sum(a) FROM public.t", "1");
    assert_answer(connection, "SHOW transaction_read_only", "on");
    assert_answer(connection,
                  "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND mode = 'AccessShareLock' "
                  "AND relation = 'public.t'::regclass",
                  "1");
  }
  assert_false(export_snapshot_is_in_the_way(snapshot));
}

static gpointer
alter(gpointer data)
{
  (void)data;
  g_autoptr(PgConnection) connection = pg_connection_open(test_postgres_dsn(postgres), "unit alter", NULL, NULL);
  exec(connection, "ALTER TABLE public.t ADD COLUMN b integer");
  return NULL;
}

static void
who_waits_for_the_leaders_lock_is_noticed_at_once(void **state)
{
  (void)state;
  exec(other, "DROP TABLE IF EXISTS t; CREATE TABLE t (a integer)");
  ExportSnapshot *snapshot = take();
  GThread *thread = g_thread_new("alter", alter, NULL);
  for (int i = 0; i < 500 && !export_snapshot_is_in_the_way(snapshot); i++)
    g_usleep(20 * 1000);
  assert_true(export_snapshot_is_in_the_way(snapshot));
  gboolean lock_waited = FALSE;
  g_autoptr(GError) error = NULL;
  assert_false(export_snapshot_join(snapshot, 2, NULL, &lock_waited, &error));
  assert_true(lock_waited);
  assert_int_equal(error_code(error), CCH_ERROR_DATABASE_LOCK_TIMEOUT);
  export_snapshot_free(snapshot);
  g_thread_join(thread);
}

static void
locks_for_which_the_server_has_no_room_are_not_asked_for(void **state)
{
  (void)state;
  g_autoptr(ExportSnapshot) snapshot = take();
  snapshot->n_tables = 1000 * 1000; /* pretends that there are this many */
  gboolean lock_waited = TRUE;
  assert_true(export_snapshot_join(snapshot, 8, NULL, &lock_waited, NULL));
  assert_int_equal(snapshot->connections->len, 1);
}

static TocEntry
table_data(const char *name, char *copy_stmt)
{
  g_autofree char *sql = g_strdup_printf("SELECT '%s'::regclass::oid", name);
  g_autofree char *oid = ask(other, sql);
  return (TocEntry){.had_dumper = TRUE,
                    .desc = (char *)"TABLE DATA",
                    .tag = (char *)name,
                    .copy_stmt = copy_stmt,
                    .offset_state = OFFSET_NOT_SET,
                    .object_oid = (guint32)g_ascii_strtoull(oid, NULL, 10)};
}

static void
a_large_table_is_cut_into_ranges_that_cover_it_once(void **state)
{
  (void)state;
  exec(other, "DROP TABLE IF EXISTS t; CREATE TABLE t (a integer, \"B\" text);"
              "INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 60000) AS i;"
              "DROP TABLE IF EXISTS small; CREATE TABLE small ()");
  g_autoptr(ExportSnapshot) snapshot = take();
  TocEntry toc[] = {table_data("public.small", (char *)"COPY public.small  FROM stdin;\n"),
                    table_data("public.t", (char *)"COPY public.t (a, \"B\") FROM stdin;\n")};
  g_autoptr(GError) error = NULL;
  g_autoptr(ExportUnits) units = export_units_new(snapshot, toc, G_N_ELEMENTS(toc), &error);
  if (units == NULL)
    fail_msg("%s", error->message);
  assert_int_equal(units->entries->len, 2);
  assert_string_equal(g_array_index(units->units, ExportUnit, 0).sql, "COPY public.small TO STDOUT");
  const ExportEntry *entry = &g_array_index(units->entries, ExportEntry, 1);
  assert_int_equal(entry->first_unit, 1);
  assert_true(entry->n_units >= 3);
  PgConnection *leader = g_ptr_array_index(snapshot->connections, 0);
  guint64 rows = 0, relation_bytes = 0;
  for (guint i = 0; i < entry->n_units; i++) {
    const ExportUnit *unit = &g_array_index(units->units, ExportUnit, entry->first_unit + i);
    assert_non_null(strstr(unit->sql, "SELECT \"a\", \"B\" FROM ONLY public.t WHERE ctid"));
    /* The query of "COPY (query) TO STDOUT". */
    g_autofree char *query = g_strndup(unit->sql + strlen("COPY ("), strlen(unit->sql) - strlen("COPY () TO STDOUT"));
    g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM (%s) AS q", query);
    g_autofree char *count = ask(leader, sql);
    assert_true(g_ascii_strtoull(count, NULL, 10) > 0);
    rows += g_ascii_strtoull(count, NULL, 10);
    relation_bytes += unit->relation_bytes;
  }
  assert_int_equal(rows, 60000);
  assert_answer(other, "SELECT pg_table_size('public.small')", "0");
  assert_int_equal(relation_bytes, units->relation_bytes);
}

static int
set_up(void **state)
{
  (void)state;
  postgres = test_postgres_start();
  other = pg_connection_open(test_postgres_dsn(postgres), "unit other", NULL, NULL);
  if (other == NULL)
    return 1;
  exec(other, "SET search_path = public");
  return 0;
}

static int
tear_down(void **state)
{
  (void)state;
  pg_connection_free(other);
  test_postgres_free(postgres);
  return 0;
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_connections_see_the_same_instant),
      cmocka_unit_test(who_waits_for_the_leaders_lock_is_noticed_at_once),
      cmocka_unit_test(locks_for_which_the_server_has_no_room_are_not_asked_for),
      cmocka_unit_test(a_large_table_is_cut_into_ranges_that_cover_it_once),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
