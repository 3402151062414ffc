/* Room for a second database, before it is begun. The server's disk can be asked only where its files are on this
 * machine and this role may know their place. */
#pragma once

#include "backup/plan/plan.h"
#include "pg/connection/connection.h"

/* About how many bytes the plan's tables will take with their indexes, judged by the live tables of the same names. It
 * reads the beginning of tables whose rows are not counted (the archive was scanned, not checked), and returns the
 * reader's errors. */
gboolean disk_space_needed(PgConnection *live, const RestorePlan *plan, ArchiveReader *reader,
                           GCancellable *cancellable, guint64 *ret_bytes, GError **error);

/* DISK_FULL, with the numbers, when there is less than that where the live database is. `ret_is_known` is FALSE when
 * the room cannot be found out; that is not an error. */
gboolean disk_space_check(PgConnection *live, guint64 bytes, gboolean *ret_is_known, GError **error);
