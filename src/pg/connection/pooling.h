/* Detects transaction and statement pooling before a session is changed. Private to pg/.
 *
 * With a pooler that gives each transaction another server process, our settings would stay in a process that others
 * use next, and our locks would be lost. A pooler is recognised by its PID at login, which is not the server
 * process's. Empty transactions on two sessions then test whether it keeps one process per session. With transaction
 * pooling, an open transaction on one session makes the other one wait for, or change, its process. With session
 * pooling the PID never changes, so no session is refused wrongly. The test leaves nothing behind.
 */
#pragma once

#include "pg/connection/connection_private.h"

/* DATABASE_POOLED if transactions of one session go to several server processes. DATABASE_UNAVAILABLE if a pooler
 * has no room for the second session, which operations need anyway. `conninfo` is the connection's. */
gboolean pooling_check(PgConnection *connection, const char *conninfo, GCancellable *cancellable, GError **error);
