/* Drops databases that overwriting imports left beside the live one: expired kept databases, and shadow databases of
 * imports that died.
 *
 * It drops only databases that are recorded in cch_data.databases, under a name that only we give, and only while it
 * holds the backup lock: no import runs then, so a recorded shadow is dead.
 */
#pragma once

#include "lock/lock.h"

#include <gio/gio.h>

/* Sweeps once under the lock (the caller's own, if it holds it). Returns the number of dropped databases; an error
 * says why some remain. A database without cch_data has nothing to sweep. */
guint database_janitor_sweep(const char *dsn, GCancellable *cancellable, GError **error);

/* A thread that sweeps at once and then every `interval_s`. Free stops it. */
typedef struct DatabaseJanitor DatabaseJanitor;
DatabaseJanitor *database_janitor_start(const BackupLockOptions *options, guint interval_s);
void database_janitor_free(DatabaseJanitor *janitor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DatabaseJanitor, database_janitor_free)
