/* The hub's schema level: the number of its migrations that a database has had, from its record
 * (drizzle.__drizzle_migrations).
 *
 * At its next start the hub runs the missing ones. It fails if an object of these exists already, or if an object of
 * the recorded ones is missing. An import must not leave such a database. */
#pragma once

#include "backup/plan/plan.h"
#include "backup/report/progress.h"
#include "pg/connection/connection.h"

#include <jansson.h>

typedef struct {
  gint64 archive, live; /* 0: no record */
} HubLevel;

/* The index of the entry with the rows of the archive's record; their number is the level. FALSE without a record. */
gboolean hub_level_find_record(const ArchiveReader *reader, guint *ret_index);

/* The archive must have been checked or scanned. */
gboolean hub_level_read(PgConnection *connection, ArchiveReader *reader, HubLevel *ret_level, GError **error);

/* The level of an archive of `size` bytes of which the file has only the beginning; 0 if there is no record, or its
 * rows lie further behind. */
gint64 hub_level_of_beginning(int fd, guint64 size, GCancellable *cancellable);

/* The level of the live database alone. Waits for sessions that have locked the record. */
gboolean hub_level_read_live(PgConnection *connection, gint64 *ret_level, GError **error);

/* {"migrations": 119, "lastMigration": "0118_bright_sunspot", "version": "v0.9.0–v0.9.2"}, the latter two null
 * where they are not known; null without a record. */
json_t *hub_level_to_json(gint64 level);

/* "119 (0118_bright_sunspot, v0.9.0–v0.9.2)"; free with g_free. */
char *hub_level_text(gint64 level);

/* IMPORT_HUB_LEVEL in these cases. Before an overwrite: the archive's record promises tables that it does not have,
 * or it has no record and the live record would remain beside other tables. Before a merge: the archive's record
 * would be imported and promises tables that it does not have. */
gboolean hub_level_check(PgConnection *connection, ArchiveReader *reader, const RestorePlan *plan, gboolean clean_first,
                         GError **error);

/* Before a merge of an archive of a newer level: removes from the plan the steps that create what the hub's own
 * migrations will create. Rows of existing tables stay. `ret_level` gets both levels if steps were removed, else
 * zeros. */
gboolean hub_level_trim(PgConnection *connection, ArchiveReader *reader, RestorePlan *plan, HubLevel *ret_level,
                        GError **error);
