/* Reads the audit log that audit_write() writes, newest first, page by page. */
#pragma once

#include "pg/connection/connection.h"

enum { AUDIT_DEFAULT_LIMIT = 50, AUDIT_MAX_LIMIT = 100 };

typedef struct {
  const char *q; /* text in actions, targets, actors, addresses and errors; NULL: any; likewise below */
  const char *category, *type;
  const char *operator_name; /* text in the name */
  const char *success;       /* "true", "false" */
  const char *from, *to;     /* see date_time_read() */
  const char *cursor;        /* nextCursor of the previous page */
  guint limit;
} AuditQuery;

/* {items, pageInfo, total} as JSON text; free with g_free. Items say whether there are before and after values,
 * which can be large; audit_read() has them. REQUEST_PARAMETER, DATABASE_*. */
char *audit_list(PgConnection *connection, const AuditQuery *query, GError **error);

/* A whole entry as JSON text; values of members named key, token, password or the like are masked. NOT_FOUND. */
char *audit_read(PgConnection *connection, const char *id, GError **error);
