/* Overwriting: empties the schemas that the archive restores, in the same transaction, so that afterwards they hold the
 * archive's contents and nothing else. cch_data and schemas that the archive does not name are left alone.
 *
 * All tables are locked first, in short attempts, so that others do not queue behind us for long. An object outside
 * the restored schemas that would be lost is refused (IMPORT_BLOCKED) before anything is dropped. */
#pragma once

#include "backup/restore/way.h"

extern const RestoreWay overwrite_way;

/* The way's state. */
typedef struct Overwrite Overwrite;
Overwrite *overwrite_new(gboolean allow_incomplete); /* allow_incomplete: see overwrite_check_losses */
void overwrite_free(Overwrite *overwrite);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Overwrite, overwrite_free)

/* Reports the losses that cause no error: rows of the log, and tables that the archive does not know. `connection`
 * is to the live database. */
gboolean overwrite_tell_losses(PgConnection *connection, ArchiveReader *reader, const RestorePlan *plan,
                               BackupProgress *progress, GError **error);

/* Losses that the archive does not state: rows of tables whose data it lacks (pg_dump --schema-only,
 * --exclude-table-data), and indexes and keys if it has no post-data. Tables that it does not name at all are
 * reported by overwrite_tell_losses: a newer version may have added them. */
typedef struct {
  guint n_tables; /* tables that would be emptied, or dropped with their rows; the log's table is reported separately */
  char *tables; /* "public.users: 50, public.keys: 3, …": the first of them and their row counts; NULL if there are none
                 */
  guint64 n_post_data; /* existing indexes, keys and triggers, if the archive has none at all */
} OverwriteLosses;

/* Whether the archive creates a table of this name. */
gboolean overwrite_is_named(const ArchiveReader *reader, const char *schema, const char *table);

/* `connection` is to the live database and speaks the archive's encoding. */
gboolean overwrite_find_losses(PgConnection *connection, const ArchiveReader *reader, const RestorePlan *plan,
                               OverwriteLosses *ret_losses, GError **error);
void overwrite_losses_clear(OverwriteLosses *losses);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OverwriteLosses, overwrite_losses_clear)

/* IMPORT_INCOMPLETE, with tables and rows, if there are losses. Allowed losses are reported as cautions instead. */
gboolean overwrite_check_losses(PgConnection *connection, const ArchiveReader *reader, const RestorePlan *plan,
                                gboolean is_allowed, BackupProgress *progress, GError **error);

/* Names of the extensions here that belong to another role. They cannot be dropped, and need not be, because their
 * contents are the same. Warns about each one that is in the plan. plpgsql is among them, without a warning. Free with
 * g_hash_table_unref. */
GHashTable *overwrite_find_kept_extensions(Restore *restore, GError **error);

/* Whether an entry creates one of these extensions, or comments on it. */
gboolean overwrite_is_about_extension(GHashTable *extensions, const TocEntry *entry);
