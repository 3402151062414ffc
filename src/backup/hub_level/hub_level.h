/* The hub's schema level: how many of its own migrations a database has had, by its record
 * (drizzle.__drizzle_migrations). The hub runs what is missing at its next start, and ends when it meets an object that
 * is there already, or lacks one that the record promises; so an import must not bring it there. */
#pragma once

#include "backup/plan/plan.h"
#include "backup/report/progress.h"
#include "pg/connection/connection.h"

#include <jansson.h>

typedef struct {
  gint64 archive, live; /* 0: no record */
} HubLevel;

/* The archive must have been checked or scanned. */
gboolean hub_level_read(PgConnection *connection, ArchiveReader *reader, HubLevel *ret_level, GError **error);

/* Of the live database alone. Waits for whoever has locked the record. */
gboolean hub_level_read_live(PgConnection *connection, gint64 *ret_level, GError **error);

/* {"migrations": 119, "version": "v0.9.2"}; null without a record. */
json_t *hub_level_to_json(gint64 level);

/* "119 (v0.9.2)"; free with g_free. */
char *hub_level_text(gint64 level);

/* Before an overwrite: refuses an archive whose record promises tables that it does not have, and one without a record
 * where the live record would stay beside other tables. Before a merge: the former, where the record comes along.
 * IMPORT_HUB_LEVEL. */
gboolean hub_level_check(PgConnection *connection, ArchiveReader *reader, const RestorePlan *plan, gboolean clean_first,
                         GError **error);

/* Before a merge of an archive of a newer level: takes the steps out of the plan that would make what the hub's own
 * migrations are going to make. Rows of tables that are here stay. `ret_level` then says which levels met, else both
 * are 0. */
gboolean hub_level_trim(PgConnection *connection, ArchiveReader *reader, RestorePlan *plan, HubLevel *ret_level,
                        GError **error);
