#include "backup/http/export_query.h"

#include "backup/export/export.h"
#include "base/error.h"

#include <string.h>

const char *const http_export_query[] = {"excludeLogs", "mode", "compression", NULL};

/* `excludeLogs`, and `mode`, which newer clients use for the same. */
static gboolean
read_exclude_logs(HttpRequest *request, gboolean *ret_exclude_logs, GError **error)
{
  const char *mode = http_request_query(request, "mode");
  if (mode == NULL)
    return http_request_query_boolean(request, "excludeLogs", FALSE, ret_exclude_logs, error);
  if (http_request_query(request, "excludeLogs") != NULL) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "give either mode or excludeLogs");
    return FALSE;
  }
  *ret_exclude_logs = strcmp(mode, "excludeLogs") == 0;
  if (*ret_exclude_logs || strcmp(mode, "full") == 0)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "mode must be full or excludeLogs, not \"%.64s\"", mode);
  return FALSE;
}

static gboolean
read_level(HttpRequest *request, ArchiveLevel *ret_level, GError **error)
{
  const char *name = http_request_query(request, "compression");
  if (name == NULL || archive_level_from_name(name, ret_level))
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER,
            "compression must be fast, balanced, small, none, lz4 or zstd, not \"%.64s\"", name);
  return FALSE;
}

gboolean
http_export_query_read(HttpRequest *request, HttpExportQuery *ret_query, GError **error)
{
  HttpExportQuery query = {.level = BACKUP_EXPORT_DEFAULT_LEVEL};
  if (!read_exclude_logs(request, &query.exclude_logs, error) || !read_level(request, &query.level, error))
    return FALSE;
  *ret_query = query;
  return TRUE;
}
