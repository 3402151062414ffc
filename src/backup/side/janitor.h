/* The janitor of databases: drops what overwriting imports left beside the live database, which is kept databases that
 * have expired and shadow databases of imports that died. It drops only what cch_data.databases records, under a name
 * that only we give, and only while it holds the backup lock: then nobody's import runs, so a recorded shadow is dead.
 */
#pragma once

#include "lock/lock.h"

#include <gio/gio.h>

/* One sweep with the lock in hand (the caller's own, when it has one). Returns how many databases were dropped; an
 * error says why not all. A database without cch_data has nothing to sweep. */
guint database_janitor_sweep(const char *dsn, GCancellable *cancellable, GError **error);

/* A thread that tries now and every `interval_s`. Free stops it. */
typedef struct DatabaseJanitor DatabaseJanitor;
DatabaseJanitor *database_janitor_start(const BackupLockOptions *options, guint interval_s);
void database_janitor_free(DatabaseJanitor *janitor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DatabaseJanitor, database_janitor_free)
