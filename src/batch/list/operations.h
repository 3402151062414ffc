/* The list of past batches, as long as they can be undone. */
#pragma once

#include "base/language.h"
#include "pg/connection/connection.h"

enum { OPERATIONS_DEFAULT_LIMIT = 50, OPERATIONS_MAX_LIMIT = 100 };

typedef struct {
  const char *kind;          /* "users:batchUpdate", …; NULL: any; likewise below */
  const char *operator_name; /* text in the name */
  const char *undoable;      /* "true", "false" */
  const char *from, *to;     /* see date_time_read() */
  const char *cursor;        /* nextCursor of the previous page */
  guint limit;
} OperationsQuery;

/* Newest first, as JSON text {items, pageInfo, total}; free with g_free. REQUEST_PARAMETER, DATABASE_*. */
char *operations_list(PgConnection *connection, const OperationsQuery *query, GError **error);

/* One operation with its `rows`, [{entity, id, name, changes: [{field, before, after}]}], as in a preview; as JSON
 * text. NOT_FOUND. */
char *operations_read(PgConnection *connection, const char *id, GError **error);
