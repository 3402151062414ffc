/* What an export, or an estimate of one, is asked for in its query. */
#pragma once

#include "archive/write/packer.h"
#include "http/handler.h"

/* For HttpRoute.query. */
extern const char *const http_export_query[], *const http_estimate_query[];

typedef struct {
  gboolean exclude_logs; /* also with ledger_only */
  gboolean ledger_only;
  char **exclude_table_data; /* NULL: none */
  ArchiveLevel level;
  const char *operation_id; /* by which the client will watch it; NULL: one is made */
} HttpExportQuery;

void http_export_query_clear(HttpExportQuery *query);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HttpExportQuery, http_export_query_clear)

/* REQUEST_PARAMETER. */
gboolean http_export_query_read(HttpRequest *request, HttpExportQuery *ret_query, GError **error);
