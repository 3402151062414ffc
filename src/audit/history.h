/* The audit log, read: newest first, page by page. It is the table that audit_write() writes to. */
#pragma once

#include "pg/connection/connection.h"

enum { AUDIT_DEFAULT_LIMIT = 50, AUDIT_MAX_LIMIT = 100 };

typedef struct {
  const char *q; /* text in what was done, to what, by whom, from where, and in errors; NULL: any, as what follows */
  const char *category, *type;
  const char *operator_name; /* text in it */
  const char *success;       /* "true", "false" */
  const char *from, *to;     /* see date_time_read() */
  const char *cursor;        /* nextCursor of the page before */
  guint limit;
} AuditQuery;

/* {items, pageInfo, total} as JSON text; free with g_free. Items say whether there is a before and an after, which can
 * be large, and are in audit_read(). REQUEST_PARAMETER, DATABASE_*. */
char *audit_list(PgConnection *connection, const AuditQuery *query, GError **error);

/* One entry whole, as JSON text; values of members that are called key, token, password or the like are masked.
 * NOT_FOUND. */
char *audit_read(PgConnection *connection, const char *id, GError **error);
