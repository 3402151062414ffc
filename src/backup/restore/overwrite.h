/* Overwriting: empties what the archive restores, inside the same transaction, so that afterwards the restored schemas
 * hold what the archive holds and nothing else. cch_data and schemas that the archive does not name stay.
 *
 * All tables are locked first, in short attempts, so that nobody queues behind us for long. What would be lost outside
 * the restored schemas is refused (IMPORT_BLOCKED) before anything is dropped. */
#pragma once

#include "backup/restore/way.h"

extern const RestoreWay overwrite_way;

/* The way's state. */
typedef struct Overwrite Overwrite;
Overwrite *overwrite_new(gboolean allow_incomplete); /* overwrite_check_losses */
void overwrite_free(Overwrite *overwrite);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Overwrite, overwrite_free)

/* Tells of what an overwrite takes away for good, which no error shows: rows of the log, and tables that the archive
 * does not know. `connection` is to the live database. */
gboolean overwrite_tell_losses(PgConnection *connection, ArchiveReader *reader, const RestorePlan *plan,
                               BackupProgress *progress, GError **error);

/* What an overwrite takes away although the archive does not say so: the rows of tables that it names and has no data
 * of (pg_dump --schema-only, --exclude-table-data), and their indexes and keys where it has no post-data. Tables that
 * it does not name are those of overwrite_tell_losses: a newer version may have added them. */
typedef struct {
  guint n_tables;      /* that would be emptied or dropped with their rows; the log's table is told of by itself */
  char *tables;        /* "public.users: 50, public.keys: 3, …": the first of them with their rows; NULL for none */
  guint64 n_post_data; /* indexes, keys and triggers that are here, if the archive has none at all */
} OverwriteLosses;

/* Whether the archive makes a table of this name. */
gboolean overwrite_is_named(const ArchiveReader *reader, const char *schema, const char *table);

/* `connection` is to the live database and speaks the archive's encoding. */
gboolean overwrite_find_losses(PgConnection *connection, const ArchiveReader *reader, const RestorePlan *plan,
                               OverwriteLosses *ret_losses, GError **error);
void overwrite_losses_clear(OverwriteLosses *losses);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OverwriteLosses, overwrite_losses_clear)

/* IMPORT_INCOMPLETE, with tables and rows, when there are losses; where these are allowed, they are told as cautions.
 */
gboolean overwrite_check_losses(PgConnection *connection, const ArchiveReader *reader, const RestorePlan *plan,
                                gboolean is_allowed, BackupProgress *progress, GError **error);

/* Names of the extensions here that are another role's: they cannot be dropped, and need not be, because what they
 * consist of is the same. Warns of each that the plan has. Free with g_hash_table_unref. */
GHashTable *overwrite_find_kept_extensions(Restore *restore, GError **error);

/* Whether an entry makes one of them, or comments on it. */
gboolean overwrite_is_about_extension(GHashTable *extensions, const TocEntry *entry);
