/* The caller's choices for a merge: what happens to existing rows, and which tables are imported. */
#pragma once

#include "archive/read/reader.h"

typedef enum {
  ON_CONFLICT_SKIP,   /* the live row stays as it is */
  ON_CONFLICT_UPDATE, /* the archive's row wins */
  ON_CONFLICT_FAIL    /* a live row with other values fails the import (IMPORT_CONFLICT) */
} BackupOnConflict;

/* Parses "skip", "update" or "fail"; REQUEST_PARAMETER for anything else. */
gboolean backup_on_conflict_parse(const char *text, BackupOnConflict *ret_on_conflict, GError **error);
const char *backup_on_conflict_name(BackupOnConflict on_conflict);

/* REQUEST_PARAMETER if a choice for merges is combined with an overwrite, which replaces everything. `tables` may be
 * NULL. */
gboolean backup_choices_check(gboolean clean_first, BackupOnConflict on_conflict, const char *const *tables,
                              GError **error);

/* Finds the table for each name: "schema.table", or "table" for one in public. If the archive lacks the table:
 * REQUEST_PARAMETER, with the names that it has. The table of contents suffices; the archive need not be checked.
 * `ret_tables` (may be NULL) gets the entries of the tables' definitions and rows, each once. */
gboolean backup_tables_find(const ArchiveReader *reader, const char *const *tables, GPtrArray **ret_tables,
                            GError **error);
