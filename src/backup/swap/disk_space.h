/* Checks the room for a second database before it is created. The server's disk can only be checked if its files are
 * on this machine and this role may see where. */
#pragma once

#include "backup/plan/plan.h"
#include "pg/connection/connection.h"

/* Estimates the bytes that the plan's tables will take with their indexes, from the live tables of the same names.
 * If the archive was scanned and not checked, this reads the beginning of its tables, and returns the reader's
 * errors. If its file is still arriving, the estimate is from the file's size alone. */
gboolean disk_space_needed(PgConnection *live, const RestorePlan *plan, ArchiveReader *reader,
                           GCancellable *cancellable, guint64 *ret_bytes, GError **error);

/* DISK_FULL, with the numbers, if there is less room where the live database is. If the room cannot be found
 * out, `ret_is_known` is FALSE and the check passes. */
gboolean disk_space_check(PgConnection *live, guint64 bytes, gboolean *ret_is_known, GError **error);
