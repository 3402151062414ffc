/* Planner statistics for a database that has just been filled: without them the first queries after an import would be
 * planned as if its tables were nearly empty, until autovacuum comes by. */
#pragma once

#include <gio/gio.h>

/* ANALYZE of all tables that this role may analyze, the largest first, by `jobs` connections at once. */
gboolean database_analyze(const char *dsn, guint jobs, GCancellable *cancellable, GError **error);
