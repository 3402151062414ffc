/* Detects transaction and statement pooling before a session is changed. Private to pg/.
 *
 * A pooler that gives each transaction another server process would leave our settings in a process that others use
 * next, and lose our locks. A pooler is recognised by the process number that it made up at the login, which is not the
 * server process's own. Whether it keeps a process for a session is then tried by empty transactions on two sessions:
 * with one of them open, the other never gets, or has to give away, its process where pooling is by transaction; in a
 * session of its own the number never changes, so that nobody is refused wrongly. What is tried leaves nothing behind.
 */
#pragma once

#include "pg/connection/connection_private.h"

/* DATABASE_POOLED when transactions of one session go to several server processes; DATABASE_UNAVAILABLE when a pooler
 * has no room for the second session, which operations need anyway. `conninfo` is the connection's. */
gboolean pooling_check(PgConnection *connection, const char *conninfo, GCancellable *cancellable, GError **error);
