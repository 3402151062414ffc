#include "archive/archive_builder.h"
#include "backup/load/load_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

/* A graph of an archive's post-data. */
typedef struct {
  ArchiveBuilder *builder;
  int fd;
  ArchiveReader *reader;
  GArray *steps;
  GPtrArray *order;
  GHashTable *weights;
  LoadGraph *graph;
} Fixture;

static Fixture *
new_fixture(void)
{
  Fixture *fixture = g_new0(Fixture, 1);
  fixture->builder = archive_builder_new(14, ARCHIVE_COMPRESSION_GZIP);
  fixture->steps = g_array_new(FALSE, FALSE, sizeof(RestoreStep));
  fixture->order = g_ptr_array_new();
  fixture->weights = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  return fixture;
}

static void
free_fixture(Fixture *fixture)
{
  load_graph_free(fixture->graph);
  archive_reader_free(fixture->reader);
  close(fixture->fd);
  archive_builder_free(fixture->builder);
  g_array_unref(fixture->steps);
  g_ptr_array_unref(fixture->order);
  g_hash_table_unref(fixture->weights);
  g_free(fixture);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, free_fixture)

/* Dependencies end with a 0. */
static void
add(Fixture *fixture, int dump_id, const char *desc, const char *defn, const int *dependencies)
{
  BuilderEntry *entry = archive_builder_add(fixture->builder, dump_id, desc, desc);
  entry->toc.defn = g_strdup(defn);
  while (dependencies[entry->toc.n_dependencies] != 0)
    entry->toc.n_dependencies++;
  entry->toc.dependencies = g_memdup2(dependencies, sizeof(int) * entry->toc.n_dependencies);
}

static void
add_table(Fixture *fixture, int dump_id, guint64 weight)
{
  add(fixture, dump_id, "TABLE", "CREATE TABLE", (const int[]){0});
  g_hash_table_insert(fixture->weights, GINT_TO_POINTER(dump_id), g_memdup2(&weight, sizeof weight));
}

/* All entries but the tables are steps. */
static void
build(Fixture *fixture)
{
  g_autoptr(GByteArray) bytes = archive_builder_build(fixture->builder);
  fixture->fd = builder_open_file(bytes);
  fixture->reader = archive_reader_open(fixture->fd, NULL);
  assert_non_null(fixture->reader);
  for (guint i = 0; i < archive_reader_n_entries(fixture->reader); i++) {
    RestoreStep step = {.entry = archive_reader_entry(fixture->reader, i), .stage = STAGE_POST_DATA};
    if (!toc_entry_is(step.entry, TOC_KIND_TABLE))
      g_array_append_val(fixture->steps, step);
  }
  for (guint i = 0; i < fixture->steps->len; i++)
    g_ptr_array_add(fixture->order, &g_array_index(fixture->steps, RestoreStep, i));
  fixture->graph = load_graph_new(fixture->reader, fixture->order, fixture->weights);
}

/* Takes the next step, which must be the expected one; 0: none. */
static guint
take(Fixture *fixture, int dump_id)
{
  guint handle = 0;
  const RestoreStep *step = load_graph_take(fixture->graph, &handle);
  assert_int_equal(step != NULL ? step->entry->dump_id : 0, dump_id);
  return handle;
}

static void
finish(Fixture *fixture, guint handle)
{
  load_graph_finish(fixture->graph, handle);
}

static void
a_step_waits_for_those_it_depends_on(void **state)
{
  g_autoptr(Fixture) fixture = new_fixture();
  add_table(fixture, 1, 0);
  add(fixture, 10, "INDEX", "CREATE INDEX", (const int[]){1, 0});
  add(fixture, 11, "COMMENT", "COMMENT ON INDEX", (const int[]){10, 0});
  build(fixture);
  guint index = take(fixture, 10);
  take(fixture, 0);
  finish(fixture, index);
  finish(fixture, take(fixture, 11));
  assert_int_equal(load_graph_n_left(fixture->graph), 0);
  take(fixture, 0);
}

static void
the_largest_table_comes_first_and_else_the_archives_order(void **state)
{
  g_autoptr(Fixture) fixture = new_fixture();
  add_table(fixture, 1, 5);
  add_table(fixture, 2, 1000);
  add(fixture, 10, "INDEX", "CREATE INDEX", (const int[]){1, 0});
  add(fixture, 11, "INDEX", "CREATE INDEX", (const int[]){2, 0});
  add(fixture, 12, "INDEX", "CREATE INDEX", (const int[]){2, 0});
  build(fixture);
  take(fixture, 11);
  take(fixture, 12);
  take(fixture, 10);
}

static void
indexes_of_one_table_run_side_by_side_and_a_constraint_alone(void **state)
{
  g_autoptr(Fixture) fixture = new_fixture();
  add_table(fixture, 1, 100);
  add_table(fixture, 2, 1);
  add(fixture, 10, "INDEX", "CREATE INDEX", (const int[]){1, 0});
  add(fixture, 11, "INDEX", "CREATE INDEX", (const int[]){1, 0});
  add(fixture, 12, "CONSTRAINT", "ALTER TABLE", (const int[]){1, 0});
  add(fixture, 13, "INDEX", "CREATE INDEX", (const int[]){2, 0});
  build(fixture);
  guint first = take(fixture, 10);
  guint second = take(fixture, 11);
  guint other = take(fixture, 13);
  take(fixture, 0);
  finish(fixture, first);
  take(fixture, 0);
  finish(fixture, second);
  take(fixture, 12);
  finish(fixture, other);
}

static void
nothing_runs_beside_what_locks_one_of_its_tables(void **state)
{
  g_autoptr(Fixture) fixture = new_fixture();
  add_table(fixture, 1, 9);
  add_table(fixture, 2, 5);
  add_table(fixture, 3, 1);
  add(fixture, 10, "FK CONSTRAINT", "ALTER TABLE", (const int[]){1, 2, 0});
  add(fixture, 11, "INDEX", "CREATE INDEX", (const int[]){2, 0});
  add(fixture, 12, "FK CONSTRAINT", "ALTER TABLE", (const int[]){2, 3, 0});
  add(fixture, 13, "TRIGGER", "CREATE TRIGGER", (const int[]){3, 0});
  build(fixture);
  guint key = take(fixture, 10);
  take(fixture, 13);
  take(fixture, 0);
  finish(fixture, key);
  take(fixture, 11);
  take(fixture, 0);
}

static void
an_index_whose_table_is_altered_too_locks_it(void **state)
{
  g_autoptr(Fixture) fixture = new_fixture();
  add_table(fixture, 1, 9);
  add(fixture, 10, "INDEX", "CREATE INDEX i; ALTER TABLE t CLUSTER ON i", (const int[]){1, 0});
  add(fixture, 11, "INDEX", "CREATE INDEX", (const int[]){1, 0});
  build(fixture);
  take(fixture, 10);
  take(fixture, 0);
}

static void
rows_as_a_dependency_stand_for_their_table(void **state)
{
  g_autoptr(Fixture) fixture = new_fixture();
  add_table(fixture, 1, 9);
  add(fixture, 5, "TABLE DATA", "", (const int[]){1, 0});
  add(fixture, 10, "CONSTRAINT", "ALTER TABLE", (const int[]){5, 0});
  add(fixture, 11, "INDEX", "CREATE INDEX", (const int[]){1, 0});
  build(fixture);
  finish(fixture, take(fixture, 5));
  take(fixture, 11);
  take(fixture, 0);
}

static void
what_may_run_beside_a_step_is_counted(void **state)
{
  g_autoptr(Fixture) fixture = new_fixture();
  add_table(fixture, 1, 100);
  add_table(fixture, 2, 60);
  add_table(fixture, 3, 40);
  add(fixture, 10, "CONSTRAINT", "ALTER TABLE", (const int[]){1, 0});
  add(fixture, 11, "INDEX", "CREATE INDEX", (const int[]){1, 0});
  add(fixture, 12, "INDEX", "CREATE INDEX", (const int[]){1, 0});
  add(fixture, 20, "INDEX", "CREATE INDEX", (const int[]){2, 0});
  add(fixture, 30, "INDEX", "CREATE INDEX", (const int[]){3, 0});
  build(fixture);
  guint constraint = take(fixture, 10);
  assert_int_equal(load_graph_n_beside(fixture->graph, constraint, 9), 1); /* 20: nothing else of 50 or more */
  guint64 weight = load_graph_weight(fixture->graph, constraint);
  assert_int_equal(weight, 100);
  finish(fixture, constraint);
  guint index = take(fixture, 11);
  assert_int_equal(load_graph_n_beside(fixture->graph, index, 9), 2); /* 12 and 20 */
  assert_int_equal(load_graph_n_beside(fixture->graph, index, 1), 1);
  finish(fixture, take(fixture, 12));
  take(fixture, 20);
  assert_int_equal(load_graph_n_beside(fixture->graph, index, 9), 1); /* 20, which is running */
}

static void
a_circle_is_left_in_the_archives_order(void **state)
{
  g_autoptr(Fixture) fixture = new_fixture();
  add(fixture, 10, "RULE", "CREATE RULE", (const int[]){11, 0});
  add(fixture, 11, "RULE", "CREATE RULE", (const int[]){10, 0});
  add(fixture, 12, "RULE", "CREATE RULE", (const int[]){12, 0});
  build(fixture);
  finish(fixture, take(fixture, 12));
  guint first = take(fixture, 10);
  take(fixture, 0);
  finish(fixture, first);
  finish(fixture, take(fixture, 11));
  assert_int_equal(load_graph_n_left(fixture->graph), 0);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_step_waits_for_those_it_depends_on),
      cmocka_unit_test(the_largest_table_comes_first_and_else_the_archives_order),
      cmocka_unit_test(indexes_of_one_table_run_side_by_side_and_a_constraint_alone),
      cmocka_unit_test(nothing_runs_beside_what_locks_one_of_its_tables),
      cmocka_unit_test(an_index_whose_table_is_altered_too_locks_it),
      cmocka_unit_test(rows_as_a_dependency_stand_for_their_table),
      cmocka_unit_test(what_may_run_beside_a_step_is_counted),
      cmocka_unit_test(a_circle_is_left_in_the_archives_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
