/* Failing loads: their errors, and that nothing continues in the server. */
#include "backup/restore/way.h"
#include "base/error.h"
#include "load_databases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

static LoadDatabases *databases;

/* The error of a load into the given database, which must fail; the caller frees it. */
static GError *
fail_in(const char *archive, const char *database, const LoadRun *run)
{
  GError *error = NULL;
  LoadResult *result = load_databases_load(databases, archive, database, run, &error);
  assert_null(result);
  assert_non_null(error);
  load_databases_assert_left(databases, database);
  return error;
}

static GError *
fail_to_load(const char *archive, guint jobs)
{
  g_autofree char *database = load_databases_create(databases, "");
  return fail_in(archive, database, &(LoadRun){.jobs = jobs});
}

/* A table "public.name (id, name)". */
static void
add_table(ArchiveBuilder *builder, int dump_id, const char *name)
{
  BuilderEntry *table = archive_builder_add(builder, dump_id, "TABLE", name);
  table->toc.namespace_name = g_strdup("public");
  table->toc.defn = g_strdup_printf("CREATE TABLE public.%s (id integer, name text);\n", name);
}

/* The rows of such a table; all tables come before all rows. */
static void
add_rows(ArchiveBuilder *builder, int dump_id, const char *name, int table, const char *rows)
{
  BuilderEntry *data = archive_builder_add_table(builder, dump_id, name, rows);
  data->toc.n_dependencies = 1;
  data->toc.dependencies = g_new(int, 1);
  data->toc.dependencies[0] = table;
}

static void
add_object(ArchiveBuilder *builder, int dump_id, const char *desc, const char *name, ArchiveSection section,
           const char *defn, int depends_on)
{
  BuilderEntry *entry = archive_builder_add(builder, dump_id, desc, name);
  entry->toc.section = section;
  entry->toc.namespace_name = g_strdup("public");
  entry->toc.defn = g_strdup(defn);
  entry->toc.n_dependencies = 1;
  entry->toc.dependencies = g_new(int, 1);
  entry->toc.dependencies[0] = depends_on;
}

/* Rows 1 to n, of about 100 bytes each. */
static char *
make_rows(guint n)
{
  GString *rows = g_string_new(NULL);
  for (guint i = 1; i <= n; i++)
    g_string_append_printf(rows, "%u\t%0100u\n", i, i);
  return g_string_free(rows, FALSE);
}

/* An archive with tables of many rows, an index on the first, and a grant, which the leader applies. */
static char *
build_large(void)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
  g_autofree char *rows = make_rows(60000);
  static const char *const names[] = {"a", "b", "c"};
  for (int i = 0; i < 3; i++)
    add_table(builder, 10 + i, names[i]);
  for (int i = 0; i < 3; i++)
    add_rows(builder, 20 + i, names[i], 10 + i, rows);
  add_object(builder, 40, "INDEX", "i", SECTION_POST_DATA, "CREATE INDEX i ON public.a (name);\n", 10);
  add_object(builder, 50, "ACL", "TABLE a", SECTION_NONE, "GRANT SELECT ON TABLE public.a TO PUBLIC;\n", 10);
  return load_databases_build(databases, builder);
}

/* The message of the way by one transaction. */
static char *
single_transaction_message(const char *archive)
{
  g_autofree char *database = load_databases_create(databases, "");
  g_autofree char *dsn = load_databases_dsn(databases, database);
  g_autofree char *bytes = NULL;
  gsize size;
  assert_true(g_file_get_contents(archive, &bytes, &size, NULL));
  g_autoptr(GByteArray) array = g_byte_array_new();
  g_byte_array_append(array, (const guint8 *)bytes, (guint)size);
  int fd = builder_open_file(array);
  g_autoptr(ArchiveReader) reader = archive_reader_open(fd, NULL);
  assert_true(archive_reader_check(reader, NULL, NULL, NULL, NULL));
  g_autoptr(RestorePlan) plan = restore_plan_new(reader, &(RestorePlanOptions){.server_version = 150000}, NULL);
  g_autoptr(PgConnection) connection = pg_connection_open(dsn, "unit", NULL, NULL);
  g_autoptr(BackupProgress) progress = backup_progress_new(load_databases_ignore_event, NULL, LANGUAGE_EN);
  static const RestoreWay plain = {.name = "plain"};
  g_autoptr(Restore) restore = restore_new(&(RestoreOptions){
      .connection = connection, .reader = reader, .plan = plan, .progress = progress, .way = &plain, .lock_wait_s = 5});
  g_autoptr(GError) error = NULL;
  assert_true(restore_prepare_session(restore, NULL) && pg_connection_exec(connection, "BEGIN", NULL));
  assert_false(restore_apply(restore, &error));
  close(fd);
  return g_strdup(error->message);
}

/* Both ways report the same error for an archive that cannot be restored. */
static void
assert_fails_alike(const ArchiveBuilder *builder, const char *expected)
{
  g_autofree char *archive = load_databases_build(databases, builder);
  g_autofree char *message = single_transaction_message(archive);
  g_autoptr(GError) error = fail_to_load(archive, 3);
  assert_non_null(strstr(error->message, expected));
  assert_string_equal(error->message, message);
}

static void
a_row_that_the_server_refuses_fails_as_in_one_transaction(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
  add_table(builder, 10, "good");
  add_table(builder, 11, "bad");
  add_rows(builder, 20, "good", 10, "1\tone\n");
  add_rows(builder, 21, "bad", 11, "1\tone\ntwo\ttwo\n");
  assert_fails_alike(builder, "restore TABLE DATA public.bad: invalid input syntax for type integer");
}

static void
a_constraint_that_the_rows_contradict_fails_as_in_one_transaction(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
  add_table(builder, 10, "t");
  add_rows(builder, 20, "t", 10, "1\tone\n1\tone again\n");
  add_object(builder, 30, "CONSTRAINT", "k", SECTION_POST_DATA, "ALTER TABLE public.t ADD CONSTRAINT k UNIQUE (id);\n",
             10);
  assert_fails_alike(builder, "restore CONSTRAINT public.k: could not create unique index");
}

static void
a_statement_that_is_wrong_fails_as_in_one_transaction(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
  add_table(builder, 10, "t");
  add_rows(builder, 20, "t", 10, "1\tone\n");
  add_object(builder, 30, "TRIGGER", "g", SECTION_POST_DATA, "CREATE TRIGGER g;\n", 10);
  assert_fails_alike(builder, "restore TRIGGER public.g: syntax error");
}

typedef struct {
  guint warnings;
  char *last;
} Heard;

static void
hear(const BackupEvent *event, gpointer user_data)
{
  Heard *heard = user_data;
  heard->warnings = event->warning_count;
  if (event->is_warning) {
    g_free(heard->last);
    heard->last = g_strdup(event->message);
  }
}

static void
a_role_that_is_missing_is_a_warning(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
  add_table(builder, 10, "t");
  add_rows(builder, 20, "t", 10, "1\tone\n");
  add_object(builder, 30, "ACL", "TABLE t", SECTION_NONE,
             "GRANT SELECT ON TABLE public.t TO nobody_here;\nGRANT SELECT ON TABLE public.t TO PUBLIC;\n", 10);
  g_autofree char *archive = load_databases_build(databases, builder);
  g_autofree char *database = load_databases_create(databases, "");
  Heard heard = {0};
  LoadRun run = {.jobs = 2, .func = hear, .user_data = &heard};
  g_autoptr(LoadResult) result = load_databases_load(databases, archive, database, &run, NULL);
  assert_non_null(result);
  assert_int_equal(heard.warnings, 1);
  assert_non_null(strstr(heard.last, "nobody_here"));
  g_free(heard.last);
  load_databases_assert_value(databases, database, "SELECT has_table_privilege('public', 'public.t', 'SELECT')", "t");
}

/* Like those of an extension's configuration table. */
static void
rows_that_a_new_table_has_by_itself_stay_and_the_others_are_added(void **state)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
  add_table(builder, 10, "t");
  add_object(builder, 11, "FUNCTION", "f()", SECTION_PRE_DATA,
             "ALTER TABLE public.t ADD PRIMARY KEY (id); INSERT INTO public.t VALUES (2, 'own');\n", 10);
  add_rows(builder, 20, "t", 10, "1\tarchive\n2\tarchive\n3\tarchive\n");
  g_autofree char *archive = load_databases_build(databases, builder);
  g_autofree char *database = load_databases_create(databases, "");
  g_autoptr(GError) error = NULL;
  LoadRun run = {.jobs = 2};
  g_autoptr(LoadResult) result = load_databases_load(databases, archive, database, &run, &error);
  if (result == NULL)
    fail_msg("%s", error->message);
  load_databases_assert_value(databases, database, "SELECT string_agg(id || name, ' ' ORDER BY id) FROM public.t",
                              "1archive 2own 3archive");
}

/* A disturbance of a running load after the start of a phase. */
typedef struct {
  BackupPhase phase;
  guint64 rows;    /* when at least this many are loaded */
  const char *sql; /* NULL: cancel */
  GCancellable *cancellable;
  gboolean is_done;
} Disturbance;

static void
disturb(const BackupEvent *event, gpointer user_data)
{
  Disturbance *disturbance = user_data;
  if (event->phase != disturbance->phase || event->rows < disturbance->rows || disturbance->is_done)
    return;
  disturbance->is_done = TRUE;
  if (disturbance->sql != NULL)
    load_databases_exec(databases, "postgres", disturbance->sql);
  else
    g_cancellable_cancel(disturbance->cancellable);
}

static void
a_connection_that_is_cut_fails_the_load_and_stops_the_others(void **state)
{
  g_autofree char *archive = build_large();
  g_autofree char *database = load_databases_create(databases, "");
  g_autofree char *sql =
      g_strdup_printf("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND "
                      "query LIKE 'COPY%%' LIMIT 1",
                      database);
  Disturbance disturbance = {.phase = BACKUP_PHASE_DATA, .rows = 10000, .sql = sql};
  LoadRun run = {.jobs = 3, .func = disturb, .user_data = &disturbance};
  g_autoptr(GError) error = fail_in(archive, database, &run);
  assert_true(disturbance.is_done);
  assert_int_equal(error_code(error), CCH_ERROR_DATABASE_UNAVAILABLE);
}

static void
a_leading_connection_that_is_cut_fails_the_load(void **state)
{
  g_autofree char *archive = build_large();
  g_autofree char *database = load_databases_create(databases, "");
  g_autofree char *sql = g_strdup_printf("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' "
                                         "ORDER BY backend_start LIMIT 1",
                                         database);
  Disturbance disturbance = {.phase = BACKUP_PHASE_DATA, .rows = 10000, .sql = sql};
  LoadRun run = {.jobs = 2, .func = disturb, .user_data = &disturbance};
  g_autoptr(GError) error = fail_in(archive, database, &run);
  assert_true(disturbance.is_done);
  assert_int_equal(error_code(error), CCH_ERROR_DATABASE_UNAVAILABLE);
}

static void
cancelling_while_rows_go_in_stops_all_connections(void **state)
{
  g_autofree char *archive = build_large();
  g_autofree char *database = load_databases_create(databases, "");
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  Disturbance disturbance = {.phase = BACKUP_PHASE_DATA, .rows = 10000, .cancellable = cancellable};
  LoadRun run = {.jobs = 3, .func = disturb, .user_data = &disturbance, .cancellable = cancellable};
  g_autoptr(GError) error = fail_in(archive, database, &run);
  assert_int_equal(error_code(error), CCH_ERROR_CANCELLED);
}

/* An archive with an index that takes a minute for each row, and another index that may fail at once. */
static char *
build_slow(const char *other_index)
{
  g_autoptr(ArchiveBuilder) builder = archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
  add_table(builder, 10, "slow");
  add_table(builder, 11, "other");
  add_object(builder, 12, "FUNCTION", "sleep(int)", SECTION_PRE_DATA,
             "CREATE FUNCTION public.sleep(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1 FROM "
             "pg_catalog.pg_sleep(60)';\n",
             10);
  add_rows(builder, 20, "slow", 10, "1\tone\n2\ttwo\n");
  add_rows(builder, 21, "other", 11, "1\tone\n1\ttwo\n");
  add_object(builder, 40, "INDEX", "slow_index", SECTION_POST_DATA,
             "CREATE INDEX slow_index ON public.slow (public.sleep(id));\n", 10);
  add_object(builder, 50, "INDEX", "other_index", SECTION_POST_DATA, other_index, 11);
  return load_databases_build(databases, builder);
}

static void
cancelling_while_indexes_are_made_stops_them(void **state)
{
  g_autofree char *archive = build_slow("CREATE INDEX other_index ON public.other (id);\n");
  g_autofree char *database = load_databases_create(databases, "");
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  Disturbance disturbance = {.phase = BACKUP_PHASE_INDEXES, .cancellable = cancellable};
  LoadRun run = {.jobs = 2, .func = disturb, .user_data = &disturbance, .cancellable = cancellable};
  gint64 start_us = g_get_monotonic_time();
  g_autoptr(GError) error = fail_in(archive, database, &run);
  assert_int_equal(error_code(error), CCH_ERROR_CANCELLED);
  assert_true(g_get_monotonic_time() - start_us < 60 * G_USEC_PER_SEC);
}

static void
an_index_that_fails_stops_the_one_beside_it_and_is_the_error(void **state)
{
  g_autofree char *archive = build_slow("CREATE UNIQUE INDEX other_index ON public.other (id);\n");
  gint64 start_us = g_get_monotonic_time();
  g_autoptr(GError) error = fail_to_load(archive, 2);
  assert_non_null(strstr(error->message, "restore INDEX public.other_index: could not create unique index"));
  assert_true(g_get_monotonic_time() - start_us < 60 * G_USEC_PER_SEC);
}

/* The file changes during the load. */
static void
damage(int fd)
{
  off_t middle = lseek(fd, 0, SEEK_END) / 2;
  assert_int_equal(pwrite(fd, "damage", 6, middle), 6);
}

static void
damage_that_shows_while_rows_are_read_fails_the_load(void **state)
{
  g_autofree char *archive = build_large();
  g_autofree char *database = load_databases_create(databases, "");
  g_autoptr(GError) error = fail_in(archive, database, &(LoadRun){.jobs = 2, .before = damage});
  assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_CORRUPT);
}

static void
a_database_that_is_not_there_is_the_error(void **state)
{
  g_autofree char *archive = build_large();
  g_autoptr(GError) error = NULL;
  assert_null(load_databases_load(databases, archive, "not_there", &(LoadRun){.jobs = 2}, &error));
  assert_int_equal(error_code(error), CCH_ERROR_DATABASE_MISSING);
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
      cmocka_unit_test(a_row_that_the_server_refuses_fails_as_in_one_transaction),
      cmocka_unit_test(a_constraint_that_the_rows_contradict_fails_as_in_one_transaction),
      cmocka_unit_test(a_statement_that_is_wrong_fails_as_in_one_transaction),
      cmocka_unit_test(a_role_that_is_missing_is_a_warning),
      cmocka_unit_test(rows_that_a_new_table_has_by_itself_stay_and_the_others_are_added),
      cmocka_unit_test(a_connection_that_is_cut_fails_the_load_and_stops_the_others),
      cmocka_unit_test(a_leading_connection_that_is_cut_fails_the_load),
      cmocka_unit_test(cancelling_while_rows_go_in_stops_all_connections),
      cmocka_unit_test(cancelling_while_indexes_are_made_stops_them),
      cmocka_unit_test(an_index_that_fails_stops_the_one_beside_it_and_is_the_error),
      cmocka_unit_test(damage_that_shows_while_rows_are_read_fails_the_load),
      cmocka_unit_test(a_database_that_is_not_there_is_the_error),
  };
  return cmocka_run_group_tests(tests, start, end);
}
