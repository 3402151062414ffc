/* The entries that belong to a choice of tables:
 *
 * - the tables, their partitions, and their rows;
 * - objects that belong to them: indexes, constraints, foreign keys, triggers, defaults, sequences with their values,
 *   policies, comments, grants, ATTACH;
 * - objects that these need: types, functions, schemas, extensions, and definitions of the tables that they inherit
 *   from. Tables that foreign keys refer to are not included: such a key is "loose";
 * - the session's settings.
 *
 * Views, large objects and everything else are left out. */
#pragma once

#include "archive/read/reader.h"

typedef struct PlanTables PlanTables;

typedef enum {
  PLAN_CHOICE_NONE,
  PLAN_CHOICE_LOOSE, /* included, but may refer to an object that is not: RestoreStep.is_loose */
  PLAN_CHOICE_WANTED
} PlanChoice;

/* `names`: NULL or empty to choose everything. Errors as in backup_tables_find. */
PlanTables *plan_tables_new(const ArchiveReader *reader, const char *const *names, GError **error);
void plan_tables_free(PlanTables *tables);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlanTables, plan_tables_free)

PlanChoice plan_tables_choice(const PlanTables *tables, const TocEntry *entry);
