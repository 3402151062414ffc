/* A made-up way of applying an archive: all tables' rows go into one table of texts. It includes the table of functions
 * of a way, and no existing way. */
#include "backup/restore/way.h"

#include "archive/archive_builder.h"
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static TestPostgres *postgres;

/* The way's state: its calls, in order. */
typedef struct {
  GString *calls;
} Shelf;

static void
note(Restore *restore, const char *call, const char *name)
{
  Shelf *shelf = restore_way_state(restore);
  g_string_append_printf(shelf->calls, "%s%s%s;", call, name != NULL ? " " : "", name != NULL ? name : "");
}

static gboolean
shelf_begin(Restore *restore, GError **error)
{
  note(restore, "begin", NULL);
  return restore_run_sql(restore, "CREATE TABLE public.shelf (id integer, name text)", error);
}

static gboolean
shelf_leaves_out(Restore *restore, const TocEntry *entry)
{
  (void)restore;
  return toc_entry_is(entry, TOC_KIND_INDEX);
}

static gboolean
shelf_order_rows(Restore *restore, GPtrArray *steps, GError **error)
{
  (void)error;
  note(restore, "order", NULL);
  for (guint i = 0; i < steps->len / 2; i++) {
    gpointer other = steps->pdata[i];
    steps->pdata[i] = steps->pdata[steps->len - 1 - i];
    steps->pdata[steps->len - 1 - i] = other;
  }
  return TRUE;
}

static gboolean
copy(Restore *restore, gpointer user_data, GError **error)
{
  guint64 rows = 0;
  return restore_copy_rows(restore, user_data, "COPY public.shelf FROM stdin", &rows, error);
}

static gboolean
shelf_apply_rows(Restore *restore, const TocEntry *entry, GError **error)
{
  note(restore, "rows", entry->tag);
  return restore_run(restore, copy, (gpointer)entry, error);
}

static gboolean
shelf_apply_sequence(Restore *restore, const TocEntry *entry, gboolean *ret_is_done, GError **error)
{
  (void)error;
  note(restore, "sequence", entry->tag);
  *ret_is_done = TRUE;
  return TRUE;
}

static gboolean
shelf_end_rows(Restore *restore, GError **error)
{
  (void)error;
  note(restore, "rows end", NULL);
  return TRUE;
}

static gboolean
shelf_end(Restore *restore, GError **error)
{
  note(restore, "end", NULL);
  return restore_run_sql(restore, "INSERT INTO public.shelf VALUES (0, 'end')", error);
}

static const RestoreWay shelf_way = {
    .name = "shelf",
    .keeps_present = TRUE,
    .begin = shelf_begin,
    .leaves_out = shelf_leaves_out,
    .order_rows = shelf_order_rows,
    .apply_rows = shelf_apply_rows,
    .apply_sequence = shelf_apply_sequence,
    .end_rows = shelf_end_rows,
    .end = shelf_end,
};

/* A way without functions, into an empty database. */
static const RestoreWay plain_way = {.name = "plain"};

static void
add_object(ArchiveBuilder *builder, int dump_id, const char *desc, const char *name, ArchiveSection section,
           const char *defn)
{
  BuilderEntry *entry = archive_builder_add(builder, dump_id, desc, name);
  entry->toc.section = section;
  entry->toc.namespace_name = g_strdup("public");
  entry->toc.defn = g_strdup(defn);
}

static ArchiveBuilder *
new_archive(void)
{
  ArchiveBuilder *builder = archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
  add_object(builder, 1, "TABLE", "a", SECTION_PRE_DATA, "CREATE TABLE public.a (id integer, name text);");
  add_object(builder, 2, "TABLE", "b", SECTION_PRE_DATA, "CREATE TABLE public.b (id integer, name text);");
  add_object(builder, 3, "SEQUENCE", "s", SECTION_PRE_DATA, "CREATE SEQUENCE public.s;");
  archive_builder_add_table(builder, 4, "a", "1\tone\n2\ttwo\n");
  archive_builder_add_table(builder, 5, "b", "3\tthree\n");
  add_object(builder, 6, "SEQUENCE SET", "s", SECTION_DATA, "SELECT pg_catalog.setval('public.s', 7, true);");
  add_object(builder, 7, "INDEX", "i", SECTION_POST_DATA, "CREATE INDEX i ON public.a (name);");
  return builder;
}

static PgConnection *
open_empty(void)
{
  g_autoptr(GError) error = NULL;
  PgConnection *connection = pg_connection_open(test_postgres_dsn(postgres), "unit", NULL, &error);
  if (connection == NULL || !pg_connection_exec(connection, "DROP SCHEMA public CASCADE; CREATE SCHEMA public", &error))
    fail_msg("%s", error->message);
  return connection;
}

static void
ignore(const BackupEvent *event, gpointer user_data)
{
  (void)event;
  (void)user_data;
}

static void
apply(PgConnection *connection, const RestoreWay *way, gpointer way_state)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(ArchiveBuilder) builder = new_archive();
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  int fd = builder_open_file(bytes);
  g_autoptr(ArchiveReader) reader = archive_reader_open(fd, &error);
  assert_non_null(reader);
  assert_true(archive_reader_check(reader, NULL, NULL, NULL, &error));
  g_autoptr(RestorePlan) plan = restore_plan_new(reader, &(RestorePlanOptions){.server_version = 150000}, &error);
  g_autoptr(BackupProgress) progress = backup_progress_new(ignore, NULL, LANGUAGE_EN);
  g_autoptr(Restore) restore = restore_new(&(RestoreOptions){.connection = connection,
                                                             .reader = reader,
                                                             .plan = plan,
                                                             .progress = progress,
                                                             .way = way,
                                                             .way_state = way_state,
                                                             .lock_wait_s = 5});
  if (!restore_prepare_session(restore, &error) || !pg_connection_exec(connection, "BEGIN", &error) ||
      !restore_apply(restore, &error) || !pg_connection_exec(connection, "COMMIT", &error))
    fail_msg("%s", error->message);
  close(fd);
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

static void
a_made_up_way_decides_what_becomes_of_everything(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_empty();
  g_autoptr(GString) calls = g_string_new(NULL);
  apply(connection, &shelf_way, &(Shelf){.calls = calls});
  assert_string_equal(calls->str, "begin;order;sequence s;rows b;rows a;rows end;end;");
  assert_value(connection, "SELECT string_agg(id || name, ' ') FROM public.shelf", "3three 1one 2two 0end");
  assert_value(connection, "SELECT count(*) FROM public.a", "0");
  assert_value(connection, "SELECT is_called FROM public.s", "f");
  assert_value(connection, "SELECT (to_regclass('public.i') IS NULL)::text", "true");
}

static void
a_way_without_functions_restores_into_what_is_empty(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_empty();
  apply(connection, &plain_way, NULL);
  assert_value(connection, "SELECT string_agg(id || name, ' ' ORDER BY id) FROM public.a", "1one 2two");
  assert_value(connection, "SELECT last_value FROM public.s", "7");
  assert_value(connection, "SELECT (to_regclass('public.i') IS NOT NULL)::text", "true");
}

/* An extension's configuration table has rows at first; the archive has the same rows and others. */
static void
rows_that_a_new_table_has_by_itself_stay_and_the_others_are_added(void **state)
{
  (void)state;
  g_autoptr(PgConnection) connection = open_empty();
  g_autoptr(GError) error = NULL;
  assert_true(pg_connection_exec(connection,
                                 "CREATE TABLE public.a (id integer, name text UNIQUE);"
                                 "INSERT INTO public.a VALUES (9, 'one'), (2, 'two')",
                                 &error));
  apply(connection, &plain_way, NULL);
  assert_value(connection, "SELECT string_agg(id || name, ' ' ORDER BY id) FROM public.a", "2two 9one");
  assert_value(connection, "SELECT name FROM public.b", "three");
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
      cmocka_unit_test(a_made_up_way_decides_what_becomes_of_everything),
      cmocka_unit_test(a_way_without_functions_restores_into_what_is_empty),
      cmocka_unit_test(rows_that_a_new_table_has_by_itself_stay_and_the_others_are_added),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
