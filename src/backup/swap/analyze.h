/* Collects planner statistics for a database that has just been filled. Without them, queries would be planned as if
 * its tables were nearly empty until the next autovacuum. */
#pragma once

#include <gio/gio.h>

/* Runs ANALYZE on all tables that this role may analyze, the largest first, over `jobs` connections at once. */
gboolean database_analyze(const char *dsn, guint jobs, GCancellable *cancellable, GError **error);
