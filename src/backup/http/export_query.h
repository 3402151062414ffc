/* The query parameters of an export, or of an estimate of one. */
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
  const char *operation_id; /* chosen by the client that will watch it; NULL: one is generated */
} HttpExportQuery;

void http_export_query_clear(HttpExportQuery *query);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HttpExportQuery, http_export_query_clear)

/* REQUEST_PARAMETER. */
gboolean http_export_query_read(HttpRequest *request, HttpExportQuery *ret_query, GError **error);
