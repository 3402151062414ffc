#include "backup/http/export_query.h"

#include "backup/export/export.h"
#include "base/error.h"

#include <string.h>

enum { OPERATION_ID_MIN = 16, OPERATION_ID_MAX = 64 };

const char *const http_estimate_query[] = {"excludeLogs", "mode", "compression", NULL};
const char *const http_export_query[] = {"excludeLogs", "mode", "compression", "operation", NULL};

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

static gboolean
read_operation(HttpRequest *request, const char **ret_id, GError **error)
{
  *ret_id = http_request_query(request, "operation");
  gsize length = *ret_id != NULL ? strlen(*ret_id) : 0;
  if (*ret_id == NULL || (length >= OPERATION_ID_MIN && length <= OPERATION_ID_MAX &&
                          strspn(*ret_id, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-") == length))
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "operation has %d to %d letters, digits and hyphens", OPERATION_ID_MIN,
            OPERATION_ID_MAX);
  return FALSE;
}

gboolean
http_export_query_read(HttpRequest *request, HttpExportQuery *ret_query, GError **error)
{
  HttpExportQuery query = {.level = BACKUP_EXPORT_DEFAULT_LEVEL};
  if (!read_operation(request, &query.operation_id, error) || !read_exclude_logs(request, &query.exclude_logs, error) ||
      !read_level(request, &query.level, error))
    return FALSE;
  *ret_query = query;
  return TRUE;
}
