/* Lists of users, keys and providers. Keys are masked.
 *
 * For a batch over all rows that match a filter:
 *
 *   g_autoptr(BatchFilter) filter = batch_filter_new(BATCH_USERS);
 *   if (batch_filter_set(filter, "status", "active", error) && …)
 *     ids = batch_list_ids(connection, filter, redis_url, error);
 */
#pragma once

#include "batch/list/filter.h"

/* The ids (gint64) of all rows that match, ascending. `redis_url` may be NULL unless the filter has a condition on
 * circuit breakers. REQUEST_PARAMETER, REDIS_UNAVAILABLE, DATABASE_*. */
GArray *batch_list_ids(PgConnection *connection, BatchFilter *filter, const char *redis_url, GError **error);

enum { BATCH_LIST_DEFAULT_LIMIT = 50, BATCH_LIST_MAX_LIMIT = 100, BATCH_LIST_MAX_IDS = 100000 };

typedef struct {
  const char *sort;   /* accepted by batch_list_sort_is_known; NULL: createdAt */
  const char *order;  /* "asc", "desc"; NULL: asc */
  const char *cursor; /* nextCursor of the previous page; NULL: the first page */
  guint limit;
} BatchPage;

/* A page as JSON text, {items, pageInfo: {nextCursor, hasMore, limit}, total}; free with g_free. */
char *batch_list_page(PgConnection *connection, BatchFilter *filter, const char *redis_url, const BatchPage *page,
                      GError **error);

/* The ids as JSON text, {ids, total, hasMore}, in the page's order. Ids beyond BATCH_LIST_MAX_IDS are left out, and
 * hasMore is then true. Cursor and limit are ignored. */
char *batch_list_ids_json(PgConnection *connection, BatchFilter *filter, const char *redis_url, const BatchPage *page,
                          GError **error);

/* Prepares to read the rows in portions of one snapshot: a transaction is open on the connection until it is closed. */
gboolean batch_list_open(PgConnection *connection, BatchFilter *filter, const char *redis_url, const BatchPage *page,
                         GError **error);
/* The next ids, as an int4[] value; "{}" after the last. Free with g_free. */
char *batch_list_fetch(PgConnection *connection, guint n, GError **error);
/* Rows (id, JSON text) with these ids, in their order. */
PgResult *batch_list_items(PgConnection *connection, BatchEntity entity, const char *ids, GError **error);
