/* Which entries of an archive a choice of tables brings along:
 *
 * - the tables, with their partitions, and their rows;
 * - what belongs to them: indexes, constraints, foreign keys, triggers, defaults, sequences with their values,
 * policies, comments, grants, ATTACH;
 * - what all these need in order to exist: types, functions, schemas, extensions, the definitions of tables that they
 *   inherit from. Not the tables that foreign keys refer to: such a key is "loose";
 * - the session's settings.
 *
 * Views, large objects and everything else stay out. */
#pragma once

#include "archive/read/reader.h"

typedef struct PlanTables PlanTables;

typedef enum {
  PLAN_CHOICE_NONE,
  PLAN_CHOICE_LOOSE, /* wanted, but it may name something that is not: RestoreStep.is_loose */
  PLAN_CHOICE_WANTED
} PlanChoice;

/* `names`: NULL or none for a choice of everything. Errors as of backup_tables_find. */
PlanTables *plan_tables_new(const ArchiveReader *reader, const char *const *names, GError **error);
void plan_tables_free(PlanTables *tables);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlanTables, plan_tables_free)

PlanChoice plan_tables_choice(const PlanTables *tables, const TocEntry *entry);
