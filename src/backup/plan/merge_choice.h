/* What the caller of an import may choose about a merge: what becomes of a row that is there already, and which tables
 * are meant. */
#pragma once

#include "archive/read/reader.h"

typedef enum {
  ON_CONFLICT_SKIP,   /* the live row stays as it is */
  ON_CONFLICT_UPDATE, /* the archive's row wins */
  ON_CONFLICT_FAIL    /* a live row with other values fails the import (IMPORT_CONFLICT) */
} BackupOnConflict;

/* "skip", "update" or "fail"; else REQUEST_PARAMETER. */
gboolean backup_on_conflict_parse(const char *text, BackupOnConflict *ret_on_conflict, GError **error);
const char *backup_on_conflict_name(BackupOnConflict on_conflict);

/* REQUEST_PARAMETER for what goes with a merge only, when it is to be an overwrite: that replaces all. `tables` may be
 * NULL. */
gboolean backup_choices_check(gboolean clean_first, BackupOnConflict on_conflict, const char *const *tables,
                              GError **error);

/* Finds the table that each name means: "schema.table", or "table" for one in public. REQUEST_PARAMETER, with the names
 * that there are, when the archive has no such table. The table of contents suffices: no check is needed before.
 * `ret_tables` (may be NULL) gets the entries of the tables' definitions and of their rows, without ones twice. */
gboolean backup_tables_find(const ArchiveReader *reader, const char *const *tables, GPtrArray **ret_tables,
                            GError **error);
