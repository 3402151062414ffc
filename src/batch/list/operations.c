#include "batch/list/operations.h"

#include "base/cursor.h"
#include "base/date_time.h"
#include "base/error.h"
#include "base/json.h"
#include "batch/rows/record.h"
#include "batch_sql.h"
#include "pg/migrate/migrate.h"

#include <string.h>

enum { N_PARAMETERS = 9 };

/* Before its migration the table does not exist, which means an empty list. A table of an older version is migrated. */
static gboolean
is_there(PgConnection *connection, gboolean *ret_is_there, GError **error)
{
  g_autofree char *is_current = NULL;
  if (!pg_connection_value(connection, &is_current, error,
                           "SELECT bool_or(attname = 'changed_count') FROM pg_catalog.pg_attribute "
                           "WHERE attrelid = to_regclass('cch_data.operations') AND NOT attisdropped",
                           0))
    return FALSE;
  *ret_is_there = is_current != NULL;
  return is_current == NULL || *is_current == 't' || pg_migrate(connection, NULL, error);
}

static gboolean
check_query(const OperationsQuery *query, GError **error)
{
  if (query->undoable != NULL && strcmp(query->undoable, "true") != 0 && strcmp(query->undoable, "false") != 0)
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "undoable must be true or false, not \"%.64s\"", query->undoable);
  else if (query->kind != NULL && !g_utf8_validate(query->kind, -1, NULL))
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "kind must be UTF-8");
  else if (query->operator_name != NULL && !g_utf8_validate(query->operator_name, -1, NULL))
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "operator must be UTF-8");
  else
    return TRUE;
  return FALSE;
}

static gboolean
read_cursor(const OperationsQuery *query, Cursor *cursor, GError **error)
{
  if (query->cursor == NULL)
    return TRUE;
  if (!cursor_read(query->cursor, "createdAt", TRUE, cursor, error))
    return FALSE;
  if (cursor->number_key != NULL && cursor->text_key != NULL)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "cursor is not one of this list: give back nextCursor as it came");
  return FALSE;
}

/* Rows of id, time, total, item, and with `id` the changes. NULL without an error if there is no table. */
static PgResult *
choose_operations(PgConnection *connection, const OperationsQuery *query, const char *id, GError **error)
{
  g_auto(Cursor) cursor = {0};
  g_autofree char *from = NULL, *to = NULL;
  gboolean has_table = FALSE;
  if (!check_query(query, error) || !date_time_parameter("from", query->from, &from, error) ||
      !date_time_parameter("to", query->to, &to, error) || !read_cursor(query, &cursor, error) ||
      !is_there(connection, &has_table, error) || !has_table)
    return NULL;
  g_autofree char *limit = g_strdup_printf("%u", query->limit + 1);
  const char *values[N_PARAMETERS] = {query->kind,       query->operator_name, query->undoable, from, to,
                                      cursor.number_key, cursor.text_key,      limit,           id};
  return pg_connection_queryv(connection, error, batch_operations_list_sql, N_PARAMETERS, values);
}

char *
operations_list(PgConnection *connection, const OperationsQuery *query, GError **error)
{
  g_autoptr(GError) problem = NULL;
  g_autoptr(PgResult) page = choose_operations(connection, query, NULL, &problem);
  if (problem != NULL) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  g_autoptr(GPtrArray) items = g_ptr_array_new();
  guint n = page != NULL && pg_result_text(page, 0, 0) != NULL ? MIN(pg_result_rows(page), query->limit) : 0;
  for (guint i = 0; i < n; i++)
    g_ptr_array_add(items, (gpointer)pg_result_text(page, i, 3));
  g_autofree char *next = NULL;
  if (n > 0 && pg_result_rows(page) > n)
    next = cursor_write(&(Cursor){.sort = (char *)"createdAt",
                                  .is_descending = TRUE,
                                  .text_key = (char *)pg_result_text(page, n - 1, 0),
                                  .number_key = (char *)pg_result_text(page, n - 1, 1)});
  return cursor_page(items, next, query->limit, page != NULL ? pg_result_text(page, 0, 2) : "0");
}

char *
operations_read(PgConnection *connection, const char *id, GError **error)
{
  g_autoptr(GError) problem = NULL;
  const OperationsQuery one = {.limit = 1};
  gboolean is_id = *id != '\0' && strspn(id, G_CSET_DIGITS G_CSET_a_2_z) == strlen(id) && strlen(id) <= 64;
  g_autoptr(PgResult) found = is_id ? choose_operations(connection, &one, id, &problem) : NULL;
  if (problem != NULL) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  if (found == NULL || pg_result_text(found, 0, 0) == NULL) {
    error_set(error, CCH_ERROR_NOT_FOUND, "operation %.64s", id);
    return NULL;
  }
  g_autoptr(json_t) item = json_loads(pg_result_text(found, 0, 3), 0, NULL);
  g_autoptr(json_t) records = json_loads(pg_result_text(found, 0, 4), 0, NULL);
  json_object_set_new(item, "rows", batch_record_describe(records));
  return json_to_text(item);
}
