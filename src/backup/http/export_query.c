#include "backup/http/export_query.h"

#include "backup/export/export.h"
#include "base/error.h"

#include <string.h>

enum { OPERATION_ID_MIN = 16, OPERATION_ID_MAX = 64 };
enum { MAX_NAMES = 100, MAX_NAME_BYTES = 127 };

#define WHAT "excludeLogs", "mode", "excludeTableData", "excludeDispensable", "compression"

const char *const http_estimate_query[] = {WHAT, NULL};
const char *const http_export_query[] = {WHAT, "operation", NULL};

/* `excludeLogs`, and `mode`, which newer clients use for the same and more. */
static gboolean
read_mode(HttpRequest *request, HttpExportQuery *query, GError **error)
{
  const char *mode = http_request_query(request, "mode");
  if (mode == NULL)
    return http_request_query_boolean(request, "excludeLogs", FALSE, &query->exclude_logs, error);
  if (http_request_query(request, "excludeLogs") != NULL) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "give either mode or excludeLogs");
    return FALSE;
  }
  query->ledger_only = strcmp(mode, "ledgerOnly") == 0;
  query->exclude_logs = query->ledger_only || strcmp(mode, "excludeLogs") == 0;
  if (query->exclude_logs || strcmp(mode, "full") == 0)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "mode must be full, excludeLogs or ledgerOnly, not \"%.64s\"", mode);
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

/* Parses "replay_payloads,other.table"; adds the tables of excludeDispensable. */
static gboolean
read_exclude_table_data(HttpRequest *request, HttpExportQuery *query, GError **error)
{
  const char *list = http_request_query(request, "excludeTableData");
  gboolean with_dispensable = FALSE;
  if (!http_request_query_boolean(request, "excludeDispensable", FALSE, &with_dispensable, error))
    return FALSE;
  g_auto(GStrv) names = list != NULL ? g_strsplit(list, ",", MAX_NAMES + 1) : g_new0(char *, 1);
  gboolean is_good = g_strv_length(names) <= MAX_NAMES;
  for (char **name = names; is_good && *name != NULL; name++)
    is_good = **name != '\0' && strlen(*name) <= MAX_NAME_BYTES;
  if (!is_good) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER,
              "excludeTableData must be 1 to %d names of tables, separated by commas", MAX_NAMES);
    return FALSE;
  }
  if (with_dispensable)
    query->exclude_table_data = backup_export_with_dispensable((const char *const *)names);
  else if (*names != NULL)
    query->exclude_table_data = g_steal_pointer(&names);
  return TRUE;
}

void
http_export_query_clear(HttpExportQuery *query)
{
  g_clear_pointer(&query->exclude_table_data, g_strfreev);
}

gboolean
http_export_query_read(HttpRequest *request, HttpExportQuery *ret_query, GError **error)
{
  g_auto(HttpExportQuery) query = {.level = BACKUP_EXPORT_DEFAULT_LEVEL};
  if (!read_operation(request, &query.operation_id, error) || !read_mode(request, &query, error) ||
      !read_level(request, &query.level, error) || !read_exclude_table_data(request, &query, error))
    return FALSE;
  *ret_query = query;
  query = (HttpExportQuery){0};
  return TRUE;
}
