/* Merges of made-up archives into a real database, without the import around them. */
#include "archive/archive_builder.h"
#include "backup/merge/merge.h"
#include "base/error.h"
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static TestPostgres *postgres;
static int server_version = 150000; /* for which a plan is made */

static PgConnection *
open_connection(void)
{
  g_autoptr(GError) error = NULL;
  PgConnection *connection = pg_connection_open(test_postgres_dsn(postgres), "unit", NULL, &error);
  if (connection == NULL)
    fail_msg("%s", error->message);
  return connection;
}

static void
exec(PgConnection *connection, const char *sql)
{
  g_autoptr(GError) error = NULL;
  if (!pg_connection_exec(connection, sql, &error))
    fail_msg("%s: %s", sql, error->message);
}

static void
assert_value(PgConnection *connection, const char *sql, const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *value = NULL;
  if (!pg_connection_value(connection, &value, &error, sql, 0))
    fail_msg("%s: %s", sql, error->message);
  assert_non_null(value);
  assert_string_equal(value, expected);
}

/* Each test has its tables in public, which is emptied before. */
static PgConnection *
open_with(const char *sql)
{
  PgConnection *connection = open_connection();
  exec(connection, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  exec(connection, sql);
  return connection;
}

/* An object's definition. */
static void
add_object(ArchiveBuilder *builder, int dump_id, const char *desc, const char *name, const char *defn)
{
  BuilderEntry *entry = archive_builder_add(builder, dump_id, desc, name);
  entry->toc.namespace_name = g_strdup("public");
  entry->toc.defn = g_strdup(defn);
}

static void
depend_on(BuilderEntry *entry, int dump_id)
{
  entry->toc.n_dependencies = 1;
  entry->toc.dependencies = g_new(int, 1);
  entry->toc.dependencies[0] = dump_id;
}

/* The rows (id, name) of the table that entry `definition` creates. */
static void
add_rows(ArchiveBuilder *builder, int dump_id, const char *table, int definition, const char *rows)
{
  depend_on(archive_builder_add_table(builder, dump_id, table, rows), definition);
}

static void
add_sequence_set(ArchiveBuilder *builder, int dump_id, const char *sequence, int definition, const char *value)
{
  BuilderEntry *entry = archive_builder_add(builder, dump_id, "SEQUENCE SET", sequence);
  entry->toc.section = SECTION_DATA;
  entry->toc.namespace_name = g_strdup("public");
  entry->toc.defn = g_strdup_printf("SELECT pg_catalog.setval('public.%s', %s);\n", sequence, value);
  depend_on(entry, definition);
}

typedef struct {
  guint64 inserted, skipped; /* in the tables of the last event */
  guint warnings;
} Told;

static void
listen(const BackupEvent *event, gpointer user_data)
{
  Told *told = user_data;
  if (event->type != BACKUP_EVENT_COMPLETE)
    return;
  told->warnings = event->warning_count;
  for (guint i = 0; i < event->n_tables; i++) {
    told->inserted += event->tables[i].rows_inserted;
    told->skipped += event->tables[i].rows_skipped;
  }
}

/* Merges inside a transaction, which stays open. */
static gboolean
merge(PgConnection *connection, const ArchiveBuilder *builder, Told *ret_told, GError **error)
{
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  int fd = builder_open_file(bytes);
  g_autoptr(ArchiveReader) reader = archive_reader_open(fd, error);
  assert_non_null(reader);
  assert_true(archive_reader_check(reader, NULL, NULL, NULL, error));
  g_autoptr(RestorePlan) plan =
      restore_plan_new(reader, &(RestorePlanOptions){.server_version = server_version}, error);
  assert_non_null(plan);
  *ret_told = (Told){0};
  g_autoptr(BackupProgress) progress = backup_progress_new(listen, ret_told, LANGUAGE_EN);
  g_autoptr(Merge) state = merge_new(ON_CONFLICT_SKIP);
  g_autoptr(Restore) restore = restore_new(&(RestoreOptions){.connection = connection,
                                                             .reader = reader,
                                                             .plan = plan,
                                                             .progress = progress,
                                                             .way = &merge_way,
                                                             .way_state = state,
                                                             .lock_wait_s = 5});
  gboolean ok = restore_prepare_session(restore, error) && pg_connection_exec(connection, "BEGIN", error) &&
                restore_apply(restore, error);
  if (ok)
    backup_progress_complete(progress, TEXT_IMPORT_COMPLETE);
  close(fd);
  return ok;
}

static Told
merge_and_commit(PgConnection *connection, const ArchiveBuilder *builder)
{
  g_autoptr(GError) error = NULL;
  Told told;
  if (!merge(connection, builder, &told, &error))
    fail_msg("%s", error->message);
  exec(connection, "COMMIT");
  return told;
}

static ArchiveBuilder *
new_builder(void)
{
  return archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
}

/* ---- Order ---- */

static void
parents_come_before_children_whatever_the_archives_order(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with("CREATE TABLE public.parent (id integer PRIMARY KEY, name text);"
                                                 "CREATE TABLE public.child (id integer PRIMARY KEY, "
                                                 "name integer REFERENCES public.parent);"
                                                 "CREATE TABLE public.grandchild (id integer PRIMARY KEY, "
                                                 "name integer REFERENCES public.child)");
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add_object(builder, 1, "TABLE", "grandchild", "CREATE TABLE public.grandchild (id integer, name integer);");
  add_object(builder, 2, "TABLE", "child", "CREATE TABLE public.child (id integer, name integer);");
  add_object(builder, 3, "TABLE", "parent", "CREATE TABLE public.parent (id integer, name text);");
  add_rows(builder, 4, "grandchild", 1, "1\t1\n");
  add_rows(builder, 5, "child", 2, "1\t1\n");
  add_rows(builder, 6, "parent", 3, "1\tAda\n");
  assert_int_equal(merge_and_commit(connection, builder).inserted, 3);
  assert_value(connection, "SELECT count(*) FROM public.grandchild", "1");
}

#define CYCLE                                                                                                          \
  "CREATE TABLE public.a (id integer PRIMARY KEY, name integer);"                                                      \
  "CREATE TABLE public.b (id integer PRIMARY KEY, name integer REFERENCES public.a);"                                  \
  "CREATE TABLE public.c (id integer PRIMARY KEY, name integer REFERENCES public.b);"                                  \
  "ALTER TABLE public.a ADD FOREIGN KEY (name) REFERENCES public.c"

#define CONSTRAINT_STATES                                                                                              \
  "SELECT string_agg(conname || condeferrable || condeferred || convalidated, ' ' ORDER BY conname) "                  \
  "FROM pg_constraint WHERE contype = 'f'"

static ArchiveBuilder *
builder_with_cycle(const char *rows_of_a)
{
  ArchiveBuilder *builder = new_builder();
  add_object(builder, 1, "TABLE", "a", "CREATE TABLE public.a (id integer, name integer);");
  add_object(builder, 2, "TABLE", "b", "CREATE TABLE public.b (id integer, name integer);");
  add_object(builder, 3, "TABLE", "c", "CREATE TABLE public.c (id integer, name integer);");
  add_rows(builder, 4, "a", 1, rows_of_a);
  add_rows(builder, 5, "b", 2, "1\t1\n2\t2\n");
  add_rows(builder, 6, "c", 3, "1\t1\n2\t2\n");
  return builder;
}

static void
a_cycle_of_foreign_keys_is_checked_at_the_end_and_left_as_it_was(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with(CYCLE);
  g_autofree char *before = NULL;
  assert_true(pg_connection_value(connection, &before, NULL, CONSTRAINT_STATES, 0));
  g_autoptr(ArchiveBuilder) builder = builder_with_cycle("1\t2\n2\t1\n");
  assert_int_equal(merge_and_commit(connection, builder).inserted, 6);
  assert_value(connection, CONSTRAINT_STATES, before);
}

static void
a_cycle_that_does_not_close_is_an_error(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with(CYCLE);
  g_autoptr(ArchiveBuilder) builder = builder_with_cycle("1\t2\n2\t99\n");
  g_autoptr(GError) error = NULL;
  Told told;
  assert_false(merge(connection, builder, &told, &error));
  assert_string_equal(error_sqlstate(error), "23503");
  exec(connection, "ROLLBACK");
  assert_value(connection, "SELECT count(*) FROM public.a", "0");
}

/* ---- Rows ---- */

static void
a_table_without_a_key_is_a_multiset(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection =
      open_with("CREATE TABLE public.log (id integer, name text);"
                "INSERT INTO public.log VALUES (1, 'x'), (1, 'x'), (2, 'y'), (NULL, NULL)");
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add_object(builder, 1, "TABLE", "log", "CREATE TABLE public.log (id integer, name text);");
  add_rows(builder, 2, "log", 1, "1\tx\n1\tx\n1\tx\n\\N\t\\N\n\\N\t\\N\n1\t\n");
  Told first = merge_and_commit(connection, builder);
  assert_int_equal(first.inserted, 3);
  assert_int_equal(first.skipped, 3);
  static const char contents[] = "SELECT string_agg(row || '*' || n, ' ' ORDER BY row COLLATE \"C\") FROM "
                                 "(SELECT l::text AS row, count(*) AS n FROM public.log l GROUP BY 1) AS counted";
  assert_value(connection, contents, "(,)*2 (1,\"\")*1 (1,x)*3 (2,y)*1");
  Told second = merge_and_commit(connection, builder);
  assert_int_equal(second.inserted, 0);
  assert_int_equal(second.skipped, 6);
  assert_value(connection, contents, "(,)*2 (1,\"\")*1 (1,x)*3 (2,y)*1");
}

static void
a_row_whose_key_is_there_stays_as_it_is(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with("CREATE TABLE public.users (id integer PRIMARY KEY, name text UNIQUE);"
                                                 "INSERT INTO public.users VALUES (1, 'live'), (2, 'taken')");
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add_object(builder, 1, "TABLE", "users", "CREATE TABLE public.users (id integer, name text);");
  add_rows(builder, 2, "users", 1, "1\tarchived\n3\ttaken\n4\tnew\n");
  Told first = merge_and_commit(connection, builder);
  assert_int_equal(first.inserted, 1);
  assert_int_equal(first.skipped, 2);
  static const char contents[] = "SELECT string_agg(u::text, ' ' ORDER BY id) FROM public.users u";
  assert_value(connection, contents, "(1,live) (2,taken) (4,new)");
  assert_int_equal(merge_and_commit(connection, builder).inserted, 0);
  assert_value(connection, contents, "(1,live) (2,taken) (4,new)");
}

/* Merges rows into a table with one row, by a key in the last field; must be refused. */
static GError *
fail_to_merge_by_name(const char *rows)
{
  g_autoptr(PgConnection) connection = open_with("CREATE TABLE public.users (id integer, name text PRIMARY KEY);"
                                                 "INSERT INTO public.users VALUES (1, 'live')");
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add_object(builder, 1, "TABLE", "users", "CREATE TABLE public.users (id integer, name text);");
  add_rows(builder, 2, "users", 1, rows);
  GError *error = NULL;
  Told told;
  assert_false(merge(connection, builder, &told, &error));
  return error;
}

/* The server would end the COPY there, and the rows after it would be counted as existing. */
static void
a_backslash_period_in_a_key_loses_no_row(void **state)
{
  (void)state;
  g_autoptr(GError) error = fail_to_merge_by_name("1\tlive\n2\t\\.\n3\tnew\n");
  assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
  assert_non_null(strstr(error->message, "took 2 of 3 rows"));
}

static void
a_row_without_its_key_is_left_to_the_server_to_refuse(void **state)
{
  (void)state;
  g_autoptr(GError) error = fail_to_merge_by_name("1\tlive\n2\n3\tnew\n");
  assert_string_equal(error_sqlstate(error), "22P04"); /* bad_copy_file_format */
}

static void
a_missing_table_is_made(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with("SELECT 1");
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add_object(builder, 1, "TABLE", "fresh", "CREATE TABLE public.fresh (id integer, name text);");
  add_rows(builder, 2, "fresh", 1, "1\tx\n1\tx\n");
  assert_int_equal(merge_and_commit(connection, builder).inserted, 2);
  assert_value(connection, "SELECT count(*) FROM public.fresh", "2");
}

static void
triggers_and_rules_rest_meanwhile_and_are_put_back(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with(
      "CREATE TABLE public.users (id integer PRIMARY KEY, name text);"
      "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'fired'; END $$;"
      "CREATE TRIGGER normal BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.refuse();"
      "CREATE TRIGGER always BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.refuse();"
      "CREATE TRIGGER off BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.refuse();"
      "CREATE TRIGGER replica BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.refuse();"
      "ALTER TABLE public.users ENABLE ALWAYS TRIGGER always, DISABLE TRIGGER off, ENABLE REPLICA TRIGGER replica;"
      "CREATE RULE nothing AS ON INSERT TO public.users DO INSTEAD NOTHING");
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add_object(builder, 1, "TABLE", "users", "CREATE TABLE public.users (id integer, name text);");
  add_rows(builder, 2, "users", 1, "1\tAda\n");
  assert_int_equal(merge_and_commit(connection, builder).inserted, 1);
  assert_value(connection,
               "SELECT string_agg(format('%s%s', tgname, tgenabled), ' ' ORDER BY tgname) "
               "FROM pg_trigger WHERE NOT tgisinternal",
               "alwaysA normalO offD replicaR");
  assert_value(connection, "SELECT ev_enabled FROM pg_rewrite WHERE rulename = 'nothing'", "O");
}

static void
a_column_that_the_archive_lacks_and_the_table_needs_is_incompatible(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection =
      open_with("CREATE TABLE public.users (id integer PRIMARY KEY, name text, need integer NOT NULL)");
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add_object(builder, 1, "TABLE", "users", "CREATE TABLE public.users (id integer, name text);");
  add_rows(builder, 2, "users", 1, "1\tAda\n");
  g_autoptr(GError) error = NULL;
  Told told;
  assert_false(merge(connection, builder, &told, &error));
  assert_int_equal(error_code(error), CCH_ERROR_IMPORT_INCOMPATIBLE);
  assert_non_null(strstr(error->message, "column need"));
}

/* For a merge into PostgreSQL 18, whose archives contain planner statistics. */
static void
add_statistics(ArchiveBuilder *builder, int dump_id, const char *name, int definition, const char *sql)
{
  BuilderEntry *entry = archive_builder_add(builder, dump_id, "STATISTICS DATA", name);
  entry->toc.section = SECTION_DATA;
  entry->toc.namespace_name = g_strdup("public");
  entry->toc.defn = g_strdup(sql);
  depend_on(entry, definition);
}

static void
statistics_touch_no_table_that_was_there_and_fail_no_import(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with("CREATE TABLE public.users (id integer PRIMARY KEY, name text);"
                                                 "CREATE TABLE public.told (name text)");
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add_object(builder, 1, "TABLE", "users", "CREATE TABLE public.users (id integer, name text);");
  add_object(builder, 2, "TABLE", "fresh", "CREATE TABLE public.fresh (id integer, name text);");
  add_statistics(builder, 3, "users", 1, "INSERT INTO public.told VALUES ('users');");
  add_statistics(builder, 4, "fresh", 2, "INSERT INTO public.told VALUES ('fresh');");
  add_statistics(builder, 5, "fresh", 2, "SELECT 'public.not_here'::pg_catalog.regclass;");
  server_version = 180000;
  merge_and_commit(connection, builder);
  server_version = 150000;
  assert_value(connection, "SELECT string_agg(name, ' ') FROM public.told", "fresh");
}

static void
a_key_that_comes_twice_in_the_archive_is_told(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with("CREATE TABLE public.users (id integer PRIMARY KEY, name text);"
                                                 "INSERT INTO public.users VALUES (1, 'live')");
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add_object(builder, 1, "TABLE", "users", "CREATE TABLE public.users (id integer, name text);");
  add_rows(builder, 2, "users", 1, "1\tarchived\n2\tfirst\n2\tsecond\n2\tthird\n");
  Told told = merge_and_commit(connection, builder);
  assert_int_equal(told.inserted, 1);
  assert_int_equal(told.skipped, 3);
  assert_int_equal(told.warnings, 1);
  assert_value(connection, "SELECT string_agg(id || name, ' ' ORDER BY id) FROM public.users", "1live 2first");
  told = merge_and_commit(connection, builder);
  assert_int_equal(told.warnings, 0);
}

/* ---- Sequences ---- */

#define SEQUENCES                                                                                                      \
  "CREATE SEQUENCE public.ahead; CREATE SEQUENCE public.behind; CREATE SEQUENCE public.fresh;"                         \
  "CREATE SEQUENCE public.down_ahead INCREMENT -1; CREATE SEQUENCE public.down_behind INCREMENT -1;"                   \
  "SELECT setval('public.ahead', 50), setval('public.behind', 50), setval('public.down_ahead', -50),"                  \
  "       setval('public.down_behind', -50)"

#define SEQUENCE_VALUES                                                                                                \
  "SELECT concat_ws(' ', (SELECT s::text FROM (SELECT last_value, is_called FROM public.ahead) s),"                    \
  "  (SELECT s::text FROM (SELECT last_value, is_called FROM public.behind) s),"                                       \
  "  (SELECT s::text FROM (SELECT last_value, is_called FROM public.fresh) s),"                                        \
  "  (SELECT s::text FROM (SELECT last_value, is_called FROM public.down_ahead) s),"                                   \
  "  (SELECT s::text FROM (SELECT last_value, is_called FROM public.down_behind) s))"

static ArchiveBuilder *
builder_with_sequences(void)
{
  static const struct {
    const char *name, *value;
  } sets[] = {{"ahead", "10, true"},
              {"behind", "100, false"},
              {"fresh", "1, true"},
              {"down_ahead", "-10, true"},
              {"down_behind", "-100, true"}};
  ArchiveBuilder *builder = new_builder();
  for (int i = 0; i < (int)G_N_ELEMENTS(sets); i++) {
    g_autofree char *defn = g_strdup_printf("CREATE SEQUENCE public.%s;", sets[i].name);
    add_object(builder, i + 1, "SEQUENCE", sets[i].name, defn);
  }
  for (int i = 0; i < (int)G_N_ELEMENTS(sets); i++)
    add_sequence_set(builder, i + 11, sets[i].name, i + 1, sets[i].value);
  return builder;
}

static void
sequences_only_move_forward(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with(SEQUENCES);
  g_autoptr(ArchiveBuilder) builder = builder_with_sequences();
  merge_and_commit(connection, builder);
  assert_value(connection, SEQUENCE_VALUES, "(50,t) (100,f) (1,t) (-50,t) (-100,t)");
  merge_and_commit(connection, builder);
  assert_value(connection, SEQUENCE_VALUES, "(50,t) (100,f) (1,t) (-50,t) (-100,t)");
}

static void
a_rolled_back_merge_puts_sequences_back_exactly(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_with(SEQUENCES);
  g_autoptr(ArchiveBuilder) builder = builder_with_sequences();
  g_autoptr(GError) error = NULL;
  Told told;
  assert_true(merge(connection, builder, &told, &error));
  assert_value(connection, SEQUENCE_VALUES, "(50,t) (100,f) (1,t) (-50,t) (-100,t)");
  exec(connection, "ROLLBACK");
  assert_value(connection, SEQUENCE_VALUES, "(50,t) (50,t) (1,f) (-50,t) (-50,t)");
  assert_value(connection, "SELECT nextval('public.behind')", "51");
}

static int
set_up(void **state)
{
  (void)state;
  postgres = test_postgres_start();
  return 0;
}

static int
tear_down(void **state)
{
  (void)state;
  test_postgres_free(postgres);
  return 0;
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parents_come_before_children_whatever_the_archives_order),
      cmocka_unit_test(a_cycle_of_foreign_keys_is_checked_at_the_end_and_left_as_it_was),
      cmocka_unit_test(a_cycle_that_does_not_close_is_an_error),
      cmocka_unit_test(a_table_without_a_key_is_a_multiset),
      cmocka_unit_test(a_row_whose_key_is_there_stays_as_it_is),
      cmocka_unit_test(a_backslash_period_in_a_key_loses_no_row),
      cmocka_unit_test(a_row_without_its_key_is_left_to_the_server_to_refuse),
      cmocka_unit_test(a_missing_table_is_made),
      cmocka_unit_test(triggers_and_rules_rest_meanwhile_and_are_put_back),
      cmocka_unit_test(a_column_that_the_archive_lacks_and_the_table_needs_is_incompatible),
      cmocka_unit_test(statistics_touch_no_table_that_was_there_and_fail_no_import),
      cmocka_unit_test(a_key_that_comes_twice_in_the_archive_is_told),
      cmocka_unit_test(sequences_only_move_forward),
      cmocka_unit_test(a_rolled_back_merge_puts_sequences_back_exactly),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
