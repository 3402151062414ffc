#include "backup/plan/plan.h"

#include "backup/plan/entry_sql.h"
#include "backup/plan/plan_tables.h"
#include "backup/plan/plan_without.h"
#include "base/error.h"

#include <string.h>

/* The schema that an entry belongs to. For a schema, its comment and its grants, that schema; NULL for other entries
 * without one. */
static const char *
entry_schema(const TocEntry *entry)
{
  if (entry->namespace_name != NULL && *entry->namespace_name != '\0')
    return entry->namespace_name;
  if (entry->tag == NULL)
    return NULL;
  if (toc_entry_is(entry, TOC_KIND_SCHEMA))
    return entry->tag;
  /* COMMENT, ACL and SECURITY LABEL of a schema have the tag "SCHEMA name". */
  return g_str_has_prefix(entry->tag, "SCHEMA ") ? entry->tag + strlen("SCHEMA ") : NULL;
}

/* Entries of the database itself are for pg_restore --create only. */
static gboolean
is_about_database(const TocEntry *entry)
{
  if (toc_entry_is(entry, TOC_KIND_DATABASE) || toc_entry_is(entry, TOC_KIND_DATABASE_PROPERTIES))
    return TRUE;
  gboolean is_said_of_something =
      entry_is_access(entry) || toc_entry_is(entry, TOC_KIND_COMMENT) || toc_entry_is(entry, TOC_KIND_SECURITY_LABEL);
  return is_said_of_something && entry->tag != NULL && g_str_has_prefix(entry->tag, "DATABASE ");
}

static gboolean
is_left_out(const TocEntry *entry, const RestorePlanOptions *options, RestorePlan *plan)
{
  const char *schema = entry_schema(entry);
  if (is_about_database(entry))
    return TRUE;
  /* Planner statistics (PostgreSQL 18) are set by functions that older servers lack. ANALYZE recreates them. */
  if (toc_entry_is(entry, TOC_KIND_STATISTICS_DATA) && options->server_version < 180000)
    return TRUE;
  if (g_strcmp0(schema, OWN_SCHEMA) == 0) {
    plan->leaves_own_schema = TRUE;
    return TRUE;
  }
  if (options->skip_bookkeeping && g_strcmp0(schema, BOOKKEEPING_SCHEMA) == 0) {
    plan->leaves_bookkeeping = TRUE;
    return TRUE;
  }
  return FALSE;
}

static StepKind
kind_of(const TocEntry *entry)
{
  if (entry_is_access(entry))
    return STEP_ACCESS;
  if (toc_entry_is(entry, TOC_KIND_TABLE_DATA))
    return STEP_ROWS;
  if (toc_entry_is(entry, TOC_KIND_SEQUENCE_SET))
    return STEP_SEQUENCE;
  if (toc_entry_has(entry, TOC_LARGE_OBJECTS))
    return STEP_LARGE_OBJECTS;
  if (toc_entry_is(entry, TOC_KIND_BLOBS))
    return STEP_LARGE_OBJECT_DATA;
  return STEP_SQL;
}

/* `region` is the section of the preceding entries: comments and the like have no section and follow their object.
 * Large objects are created before any rows: pg_dump 17 and newer list them (BLOB METADATA) in the data section, and
 * rows may be loaded in parallel. */
static PlanStage
stage_of(const TocEntry *entry, PlanStage region)
{
  if (kind_of(entry) == STEP_LARGE_OBJECTS)
    return STAGE_PRE_DATA;
  if (entry_is_access(entry))
    return STAGE_ACCESS;
  if (toc_entry_is(entry, TOC_KIND_EVENT_TRIGGER) || toc_entry_is(entry, TOC_KIND_MATERIALIZED_VIEW_DATA))
    return STAGE_LAST;
  if (entry->tag != NULL && g_str_has_prefix(entry->tag, "EVENT TRIGGER "))
    return STAGE_LAST;
  return region;
}

static void
note_schema(GPtrArray *schemas, const char *schema)
{
  if (schema == NULL || g_str_has_prefix(schema, "pg_") || strcmp(schema, "information_schema") == 0)
    return;
  if (!g_ptr_array_find_with_equal_func(schemas, schema, g_str_equal, NULL))
    g_ptr_array_add(schemas, g_strdup(schema));
}

/* Counts a data step's rows and bytes; FALSE for a step that is not applied. */
static gboolean
account_for_data(const ArchiveReader *reader, const RestoreStep *step, const RestorePlanOptions *options,
                 RestorePlan *plan, gboolean *ret_is_applied, GError **error)
{
  const ArchiveDataInfo *info = archive_reader_data_info(reader, step->entry);
  *ret_is_applied = info->is_present;
  if (step->kind == STEP_ROWS) {
    g_auto(GStrv) columns = NULL;
    if (!entry_copy_columns(step->entry, &columns, error))
      return FALSE;
    gboolean is_log =
        g_strcmp0(step->entry->tag, LOG_TABLE) == 0 && g_strcmp0(step->entry->namespace_name, "public") == 0;
    if (is_log && options->skip_logs)
      *ret_is_applied = FALSE;
    if (*ret_is_applied) {
      plan->has_log_rows = plan->has_log_rows || is_log;
      plan->n_tables++;
      plan->rows += info->rows;
    }
  }
  if (*ret_is_applied)
    plan->bytes += info->data_bytes;
  return TRUE;
}

static gboolean
plan_entry(const ArchiveReader *reader, const TocEntry *entry, const RestorePlanOptions *options, RestorePlan *plan,
           GArray *stages[STAGE_COUNT], PlanStage region, PlanChoice choice, GError **error)
{
  RestoreStep step = {.entry = entry,
                      .kind = kind_of(entry),
                      .stage = stage_of(entry, region),
                      .is_loose = choice == PLAN_CHOICE_LOOSE};
  gboolean is_applied = TRUE;
  if (step.kind == STEP_ROWS || step.kind == STEP_LARGE_OBJECT_DATA) {
    if (!account_for_data(reader, &step, options, plan, &is_applied, error))
      return FALSE;
  } else if (entry->defn == NULL || *entry->defn == '\0') {
    is_applied = FALSE;
  }
  if (is_applied)
    g_array_append_val(stages[step.stage], step);
  return TRUE;
}

static char **
steal_strings(GPtrArray *strings)
{
  g_ptr_array_add(strings, NULL);
  return (char **)g_ptr_array_free(strings, FALSE);
}

RestorePlan *
restore_plan_new(const ArchiveReader *reader, const RestorePlanOptions *options, GError **error)
{
  g_autoptr(PlanTables) tables = plan_tables_new(reader, options->tables, error);
  if (tables == NULL)
    return NULL;
  g_autoptr(GHashTable) without = NULL;
  if (!plan_without_extensions(reader, options->without_extensions, &without, error))
    return NULL;
  g_autoptr(RestorePlan) plan = g_new0(RestorePlan, 1);
  plan->is_strict = options->is_strict;
  plan->left_out = g_ptr_array_new();
  plan->steps = g_array_new(FALSE, FALSE, sizeof(RestoreStep));
  GPtrArray *schemas = g_ptr_array_new();
  GPtrArray *created = g_ptr_array_new();
  GArray *stages[STAGE_COUNT];
  for (guint i = 0; i < STAGE_COUNT; i++)
    stages[i] = g_array_new(FALSE, FALSE, sizeof(RestoreStep));

  gboolean ok = TRUE;
  PlanStage region = STAGE_PRE_DATA;
  for (guint i = 0; ok && i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    if (entry->section == SECTION_DATA)
      region = STAGE_DATA;
    else if (entry->section == SECTION_POST_DATA)
      region = STAGE_POST_DATA;
    PlanChoice choice = plan_tables_choice(tables, entry);
    if (choice == PLAN_CHOICE_NONE || is_left_out(entry, options, plan))
      continue;
    if (g_hash_table_contains(without, entry)) {
      g_ptr_array_add(plan->left_out, (gpointer)entry);
      continue;
    }
    note_schema(schemas, entry_schema(entry));
    if (toc_entry_is(entry, TOC_KIND_SCHEMA) && g_strcmp0(entry->tag, "public") != 0)
      note_schema(created, entry->tag);
    ok = plan_entry(reader, entry, options, plan, stages, region, choice, error);
  }
  for (guint i = 0; i < STAGE_COUNT; i++) {
    g_array_append_vals(plan->steps, stages[i]->data, stages[i]->len);
    g_array_free(stages[i], TRUE);
  }
  plan->schemas = steal_strings(schemas);
  plan->created_schemas = steal_strings(created);
  return ok ? g_steal_pointer(&plan) : NULL;
}

void
restore_plan_free(RestorePlan *plan)
{
  if (plan == NULL)
    return;
  g_array_free(plan->steps, TRUE);
  g_ptr_array_unref(plan->left_out);
  g_strfreev(plan->schemas);
  g_strfreev(plan->created_schemas);
  g_free(plan);
}
