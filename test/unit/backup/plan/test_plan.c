#include "archive/archive_builder.h"
#include "backup/plan/plan.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

typedef struct {
  int fd;
  ArchiveReader *reader;
  RestorePlan *plan; /* points into the reader */
} Planned;

static void
planned_clear(Planned *planned)
{
  restore_plan_free(planned->plan);
  archive_reader_free(planned->reader);
  close(planned->fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Planned, planned_clear)

static Planned
open_archive(const ArchiveBuilder *builder)
{
  g_autoptr(GByteArray) bytes = archive_builder_build(builder);
  g_autoptr(GError) error = NULL;
  Planned planned = {.fd = builder_open_file(bytes)};
  planned.reader = archive_reader_open(planned.fd, &error);
  if (planned.reader == NULL || !archive_reader_check(planned.reader, NULL, NULL, NULL, &error))
    fail_msg("%s", error->message);
  return planned;
}

static Planned
plan_archive(const ArchiveBuilder *builder, RestorePlanOptions options)
{
  Planned planned = open_archive(builder);
  g_autoptr(GError) error = NULL;
  planned.plan = restore_plan_new(planned.reader, &options, &error);
  if (planned.plan == NULL)
    fail_msg("%s", error->message);
  return planned;
}

/* An entry with SQL. */
static BuilderEntry *
add(ArchiveBuilder *builder, int dump_id, const char *desc, const char *schema, const char *tag, ArchiveSection section)
{
  BuilderEntry *entry = archive_builder_add(builder, dump_id, desc, tag);
  entry->toc.namespace_name = g_strdup(schema);
  entry->toc.section = section;
  entry->toc.defn = g_strdup("SELECT 1;\n");
  return entry;
}

static BuilderEntry *
add_rows(ArchiveBuilder *builder, int dump_id, const char *schema, const char *table, const char *rows)
{
  BuilderEntry *entry = archive_builder_add_table(builder, dump_id, table, rows);
  g_free(entry->toc.namespace_name);
  entry->toc.namespace_name = g_strdup(schema);
  return entry;
}

static ArchiveBuilder *
new_builder(void)
{
  return archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
}

static const RestoreStep *
step_at(const RestorePlan *plan, guint index)
{
  return &g_array_index(plan->steps, RestoreStep, index);
}

/* The dump IDs of the steps in order, "1 2 3". */
static char *
order_of(const Planned *planned)
{
  GString *order = g_string_new(NULL);
  for (guint i = 0; i < planned->plan->steps->len; i++)
    g_string_append_printf(order, "%s%d", i > 0 ? " " : "", step_at(planned->plan, i)->entry->dump_id);
  return g_string_free(order, FALSE);
}

static void
assert_order(const Planned *planned, const char *expected)
{
  g_autofree char *order = order_of(planned);
  assert_string_equal(order, expected);
}

static void
assert_names(char **found, const char *expected)
{
  g_autofree char *joined = g_strjoinv(" ", found);
  assert_string_equal(joined, expected);
}

/* ---- Omissions ---- */

static void
our_own_schema_is_left_out(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add(builder, 1, "SCHEMA", NULL, OWN_SCHEMA, SECTION_PRE_DATA);
  add(builder, 2, "ACL", "", "SCHEMA " OWN_SCHEMA, SECTION_NONE);
  add(builder, 3, "TABLE", OWN_SCHEMA, "audit_log", SECTION_PRE_DATA);
  add(builder, 4, "TABLE", "public", "users", SECTION_PRE_DATA);
  add_rows(builder, 5, OWN_SCHEMA, "audit_log", "1\tx\n");
  add_rows(builder, 6, "public", "users", "1\tx\n");
  add(builder, 7, "INDEX", OWN_SCHEMA, "audit_log_i", SECTION_POST_DATA);
  g_auto(Planned) planned = plan_archive(builder, (RestorePlanOptions){.server_version = 150000});
  assert_order(&planned, "4 6");
  assert_true(planned.plan->leaves_own_schema);
  assert_false(planned.plan->leaves_bookkeeping);
  assert_names(planned.plan->schemas, "public");
  assert_int_equal(planned.plan->n_tables, 1);
  assert_int_equal(planned.plan->rows, 1);
}

static ArchiveBuilder *
builder_with_drizzle(void)
{
  ArchiveBuilder *builder = new_builder();
  add(builder, 1, "SCHEMA", NULL, BOOKKEEPING_SCHEMA, SECTION_PRE_DATA);
  add(builder, 2, "TABLE", BOOKKEEPING_SCHEMA, "__drizzle_migrations", SECTION_PRE_DATA);
  add(builder, 3, "TABLE", "public", "drizzle", SECTION_PRE_DATA);
  add_rows(builder, 4, BOOKKEEPING_SCHEMA, "__drizzle_migrations", "1\tx\n");
  return builder;
}

static void
the_hubs_bookkeeping_is_left_out_on_demand(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = builder_with_drizzle();
  g_auto(Planned) without = plan_archive(builder, (RestorePlanOptions){.skip_bookkeeping = TRUE});
  assert_order(&without, "3");
  assert_true(without.plan->leaves_bookkeeping);
  assert_names(without.plan->schemas, "public");
  assert_names(without.plan->created_schemas, "");

  g_auto(Planned) with = plan_archive(builder, (RestorePlanOptions){0});
  assert_order(&with, "1 2 3 4");
  assert_false(with.plan->leaves_bookkeeping);
  assert_false(with.plan->leaves_own_schema);
  assert_names(with.plan->schemas, "drizzle public");
  assert_names(with.plan->created_schemas, "drizzle");
}

static void
what_is_said_of_the_database_itself_is_left_out(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add(builder, 1, "ENCODING", NULL, "ENCODING", SECTION_PRE_DATA);
  add(builder, 2, "DATABASE", "", "hub", SECTION_PRE_DATA);
  add(builder, 3, "DATABASE PROPERTIES", "", "hub", SECTION_PRE_DATA);
  add(builder, 4, "COMMENT", "", "DATABASE hub", SECTION_NONE);
  add(builder, 5, "ACL", "", "DATABASE hub", SECTION_NONE);
  add(builder, 6, "SECURITY LABEL", "", "DATABASE hub", SECTION_NONE);
  add(builder, 7, "TABLE", "public", "DATABASE hub", SECTION_PRE_DATA); /* a table can have this name */
  g_auto(Planned) planned = plan_archive(builder, (RestorePlanOptions){0});
  assert_order(&planned, "1 7");
}

static void
planner_statistics_need_a_new_server(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add(builder, 1, "STATISTICS DATA", "public", "users", SECTION_DATA);
  g_auto(Planned) old = plan_archive(builder, (RestorePlanOptions){.server_version = 179999});
  assert_order(&old, "");
  g_auto(Planned) new = plan_archive(builder, (RestorePlanOptions){.server_version = 180000});
  assert_order(&new, "1");
}

static void
entries_without_sql_or_data_are_no_steps(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = new_builder();
  archive_builder_add(builder, 1, "SHELL TYPE", "nothing");
  BuilderEntry *empty = archive_builder_add(builder, 2, "SCHEMA", "public");
  empty->toc.defn = g_strdup("");
  BuilderEntry *dumped_without_rows =
      archive_builder_add(builder, 3, "TABLE DATA", "users"); /* pg_dump --schema-only */
  dumped_without_rows->toc.namespace_name = g_strdup("public");
  dumped_without_rows->toc.copy_stmt = g_strdup("COPY public.users (id) FROM stdin;\n");
  g_auto(Planned) planned = plan_archive(builder, (RestorePlanOptions){0});
  assert_order(&planned, "");
  assert_int_equal(planned.plan->n_tables, 0);
}

/* ---- Logs ---- */

static ArchiveBuilder *
builder_with_logs(void)
{
  ArchiveBuilder *builder = new_builder();
  add(builder, 1, "TABLE", "public", LOG_TABLE, SECTION_PRE_DATA);
  add_rows(builder, 2, "public", LOG_TABLE, "1\ta\n2\tb\n");
  add_rows(builder, 3, "public", "users", "1\ta\n");
  return builder;
}

static void
logs_are_imported_unless_they_are_to_be_skipped(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = builder_with_logs();
  g_auto(Planned) with = plan_archive(builder, (RestorePlanOptions){0});
  assert_order(&with, "1 2 3");
  assert_true(with.plan->has_log_rows);
  assert_int_equal(with.plan->n_tables, 2);
  assert_int_equal(with.plan->rows, 3);

  g_auto(Planned) without = plan_archive(builder, (RestorePlanOptions){.skip_logs = TRUE});
  assert_order(&without, "1 3");
  assert_false(without.plan->has_log_rows);
  assert_int_equal(without.plan->n_tables, 1);
  assert_int_equal(without.plan->rows, 1);
  assert_true(without.plan->bytes < with.plan->bytes);
}

static void
another_schemas_table_of_that_name_is_no_log(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add(builder, 1, "TABLE", "other", LOG_TABLE, SECTION_PRE_DATA);
  add_rows(builder, 2, "other", LOG_TABLE, "1\ta\n");
  g_auto(Planned) planned = plan_archive(builder, (RestorePlanOptions){.skip_logs = TRUE});
  assert_order(&planned, "1 2"); /* its rows are not skipped */
  assert_false(planned.plan->has_log_rows);
}

/* ---- Order ---- */

static void
grants_come_after_the_indexes_and_event_triggers_last(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add(builder, 1, "TABLE", "public", "users", SECTION_PRE_DATA);
  add(builder, 2, "COMMENT", "public", "TABLE users", SECTION_NONE);
  add(builder, 3, "ACL", "public", "TABLE users", SECTION_NONE);
  add(builder, 4, "DEFAULT ACL", "public", "DEFAULT PRIVILEGES FOR TABLES", SECTION_NONE);
  add_rows(builder, 5, "public", "users", "1\ta\n");
  add(builder, 6, "SEQUENCE SET", "public", "users_id_seq", SECTION_DATA);
  add(builder, 7, "COMMENT", "public", "LARGE OBJECT 5", SECTION_NONE);
  add(builder, 8, "MATERIALIZED VIEW DATA", "public", "sums", SECTION_POST_DATA);
  add(builder, 9, "EVENT TRIGGER", "", "watch", SECTION_POST_DATA);
  add(builder, 10, "COMMENT", "", "EVENT TRIGGER watch", SECTION_NONE);
  add(builder, 11, "INDEX", "public", "users_i", SECTION_POST_DATA);
  add(builder, 12, "COMMENT", "public", "INDEX users_i", SECTION_NONE);
  add(builder, 13, "FK CONSTRAINT", "public", "keys keys_user_fk", SECTION_POST_DATA);
  g_auto(Planned) planned = plan_archive(builder, (RestorePlanOptions){0});
  assert_order(&planned, "1 2 5 6 7 11 12 13 3 4 8 9 10");

  static const PlanStage stages[] = {STAGE_PRE_DATA,  STAGE_PRE_DATA,  STAGE_DATA,      STAGE_DATA,   STAGE_DATA,
                                     STAGE_POST_DATA, STAGE_POST_DATA, STAGE_POST_DATA, STAGE_ACCESS, STAGE_ACCESS,
                                     STAGE_LAST,      STAGE_LAST,      STAGE_LAST};
  for (guint i = 0; i < planned.plan->steps->len; i++)
    assert_int_equal(step_at(planned.plan, i)->stage, stages[i]);
}

static void
each_entry_becomes_its_kind_of_step(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add(builder, 1, "TABLE", "public", "users", SECTION_PRE_DATA);
  add(builder, 2, "BLOB", "", "16400", SECTION_PRE_DATA);
  add(builder, 3, "BLOB METADATA", "", "16401..16402", SECTION_DATA); /* the form of pg_dump 17 and newer */
  add_rows(builder, 4, "public", "users", "1\ta\n");
  BuilderEntry *data = archive_builder_add_with_block(builder, 5, "BLOBS", "BLOBS");
  builder_entry_add_stream(data, 16400, "first", 5);
  add(builder, 6, "SEQUENCE SET", "public", "users_id_seq", SECTION_DATA);
  add(builder, 7, "ACL LANGUAGE", "", "LANGUAGE sql", SECTION_NONE);
  g_auto(Planned) planned = plan_archive(builder, (RestorePlanOptions){0});
  static const StepKind kinds[] = {
      STEP_SQL, STEP_LARGE_OBJECTS, STEP_LARGE_OBJECTS, STEP_ROWS, STEP_LARGE_OBJECT_DATA, STEP_SEQUENCE, STEP_ACCESS};
  assert_int_equal(planned.plan->steps->len, G_N_ELEMENTS(kinds));
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
    assert_int_equal(step_at(planned.plan, i)->kind, kinds[i]);
}

/* ---- Facts about the archive ---- */

static void
schemas_are_named_once_and_system_schemas_never(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add(builder, 1, "SCHEMA", NULL, "public", SECTION_PRE_DATA);
  add(builder, 2, "SCHEMA", NULL, "sales", SECTION_PRE_DATA);
  add(builder, 3, "COMMENT", "", "SCHEMA sales", SECTION_NONE);
  add(builder, 4, "TABLE", "sales", "orders", SECTION_PRE_DATA);
  add(builder, 5, "TABLE", "sales", "lines", SECTION_PRE_DATA);
  add(builder, 6, "EXTENSION", "", "citext", SECTION_PRE_DATA);
  add(builder, 7, "ACL", "pg_catalog", "FUNCTION pg_sleep(double precision)", SECTION_NONE);
  add(builder, 8, "ACL", "information_schema", "TABLE tables", SECTION_NONE);
  add(builder, 9, "TABLE", "elsewhere", "t", SECTION_PRE_DATA); /* its schema is not in the archive: pg_dump -t */
  g_auto(Planned) planned = plan_archive(builder, (RestorePlanOptions){0});
  assert_names(planned.plan->schemas, "public sales elsewhere");
  assert_names(planned.plan->created_schemas, "sales");
}

static void
rows_and_bytes_are_counted(void **state)
{
  (void)state;
  static const char a[] = "1\tAda\n2\tBob\n", b[] = "1\t\\N\n";
  g_autoptr(ArchiveBuilder) builder = new_builder();
  add_rows(builder, 1, "public", "a", a);
  add_rows(builder, 2, "public", "b", b);
  add_rows(builder, 3, "public", "empty", "");
  g_auto(Planned) tables = plan_archive(builder, (RestorePlanOptions){0});
  assert_int_equal(tables.plan->n_tables, 3);
  assert_int_equal(tables.plan->rows, 3);
  assert_true(tables.plan->bytes >= strlen(a) + strlen(b));

  BuilderEntry *data = archive_builder_add_with_block(builder, 4, "BLOBS", "BLOBS");
  builder_entry_add_stream(data, 16400, "0123456789", 10);
  builder_entry_add_stream(data, 16401, "x", 1);
  g_auto(Planned) with_objects = plan_archive(builder, (RestorePlanOptions){0});
  assert_int_equal(with_objects.plan->n_tables, 3);
  assert_int_equal(with_objects.plan->rows, 3);
  assert_int_equal(with_objects.plan->bytes - tables.plan->bytes, 11);
}

static void
rows_as_insert_statements_are_refused(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = new_builder();
  BuilderEntry *inserts = archive_builder_add_with_block(builder, 1, "TABLE DATA", "inserted");
  static const char sql[] = "INSERT INTO public.inserted VALUES (1);\n\n\n";
  inserts->toc.namespace_name = g_strdup("public");
  builder_entry_add_stream(inserts, 0, sql, strlen(sql));
  g_auto(Planned) planned = open_archive(builder);
  g_autoptr(GError) error = NULL;
  assert_null(restore_plan_new(planned.reader, &(RestorePlanOptions){0}, &error));
  assert_int_equal(error_code(error), CCH_ERROR_ARCHIVE_UNSUPPORTED);
  assert_non_null(strstr(error->message, "public.inserted"));
}

static void
an_empty_archive_has_an_empty_plan(void **state)
{
  (void)state;
  g_autoptr(ArchiveBuilder) builder = new_builder();
  g_auto(Planned) planned = plan_archive(builder, (RestorePlanOptions){0});
  assert_int_equal(planned.plan->steps->len, 0);
  assert_null(planned.plan->schemas[0]);
  assert_null(planned.plan->created_schemas[0]);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(our_own_schema_is_left_out),
      cmocka_unit_test(the_hubs_bookkeeping_is_left_out_on_demand),
      cmocka_unit_test(what_is_said_of_the_database_itself_is_left_out),
      cmocka_unit_test(planner_statistics_need_a_new_server),
      cmocka_unit_test(entries_without_sql_or_data_are_no_steps),
      cmocka_unit_test(logs_are_imported_unless_they_are_to_be_skipped),
      cmocka_unit_test(another_schemas_table_of_that_name_is_no_log),
      cmocka_unit_test(grants_come_after_the_indexes_and_event_triggers_last),
      cmocka_unit_test(each_entry_becomes_its_kind_of_step),
      cmocka_unit_test(schemas_are_named_once_and_system_schemas_never),
      cmocka_unit_test(rows_and_bytes_are_counted),
      cmocka_unit_test(rows_as_insert_statements_are_refused),
      cmocka_unit_test(an_empty_archive_has_an_empty_plan),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
