/* The list of past batches, for as long as they can be undone. */
#pragma once

#include "base/language.h"
#include "pg/connection/connection.h"

enum { OPERATIONS_DEFAULT_LIMIT = 50, OPERATIONS_MAX_LIMIT = 100 };

typedef struct {
  const char *kind;          /* "users:batchUpdate", …; NULL: any, as what follows */
  const char *operator_name; /* text in it */
  const char *undoable;      /* "true", "false" */
  const char *from, *to;     /* see date_time_read() */
  const char *cursor;        /* nextCursor of the page before */
  guint limit;
} OperationsQuery;

/* Newest first, as JSON text {items, pageInfo, total}; free with g_free. REQUEST_PARAMETER, DATABASE_*. */
char *operations_list(PgConnection *connection, const OperationsQuery *query, GError **error);

/* One with its `rows`, [{entity, id, name, changes: [{field, before, after}]}], as a preview has them, as JSON text.
 * NOT_FOUND. */
char *operations_read(PgConnection *connection, const char *id, GError **error);
