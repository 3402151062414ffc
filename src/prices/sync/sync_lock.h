/* The lock under which one instance syncs at a time; see prices/sync/sync.h. */
#pragma once

#include "pg/connection/connection.h"

typedef struct SyncLock SyncLock;

/* Takes the lock, waiting at most `wait_ms`: PRICES_SYNC_RUNNING, DATABASE_*, CANCELLED. Does without an unavailable
 * Redis. The lock belongs to the connection: keep it until the release. */
SyncLock *sync_lock_take(PgConnection *connection, const char *redis_url, const char *holder, guint wait_ms,
                         GCancellable *cancellable, GError **error);
/* NULL is ignored. */
void sync_lock_release(SyncLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncLock, sync_lock_release)
