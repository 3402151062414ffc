#include "audit/history.h"

#include "audit_sql.h"
#include "base/cursor.h"
#include "base/date_time.h"
#include "base/error.h"

#include <string.h>

enum { N_PARAMETERS = 10 };

/* The columns that the statements read. */
#define COLUMN_NAMES                                                                                                   \
  "{id,created_at,action_category,action_type,target_type,target_id,target_name,before_value,after_value,"             \
  "operator_user_id,operator_user_name,operator_key_name,operator_ip,user_agent,success,error_message}"

/* The statement for the existing audit log; `ret_sql` is NULL without one. */
static gboolean
for_table(PgConnection *connection, const char *sql, char **ret_sql, GError **error)
{
  g_autoptr(PgResult) columns = pg_connection_query(connection, error, audit_columns_sql, 1, COLUMN_NAMES);
  if (columns == NULL)
    return FALSE;
  if (pg_result_rows(columns) == 0)
    return TRUE;
  g_autofree char *table = pg_quote_qualified(pg_result_text(columns, 0, 0), "audit_log");
  g_auto(GStrv) parts = g_strsplit(sql, "{table}", -1);
  *ret_sql = g_strjoinv(table, parts);
  return TRUE;
}

static gboolean
check_text(const char *name, const char *text, GError **error)
{
  if (text == NULL || (g_utf8_validate(text, -1, NULL) && g_utf8_strlen(text, -1) <= 200))
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be UTF-8 of at most 200 characters", name);
  return FALSE;
}

static gboolean
check_texts(const AuditQuery *query, GError **error)
{
  if (query->success != NULL && strcmp(query->success, "true") != 0 && strcmp(query->success, "false") != 0) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "success must be true or false, not \"%.64s\"", query->success);
    return FALSE;
  }
  return check_text("q", query->q, error) && check_text("category", query->category, error) &&
         check_text("type", query->type, error) && check_text("operator", query->operator_name, error);
}

static gboolean
read_cursor(const AuditQuery *query, Cursor *cursor, GError **error)
{
  if (query->cursor == NULL)
    return TRUE;
  if (!cursor_read(query->cursor, "createdAt", TRUE, cursor, error))
    return FALSE;
  if (cursor->number_key == NULL)
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "cursor is not one of this list: give back nextCursor as it came");
  return cursor->number_key != NULL;
}

/* Rows of id, time, total and item. NULL without an error if there is no audit log. */
static PgResult *
choose_entries(PgConnection *connection, const AuditQuery *query, GError **error)
{
  g_auto(Cursor) cursor = {0};
  g_autofree char *sql = NULL, *from = NULL, *to = NULL;
  if (!check_texts(query, error) || !date_time_parameter("from", query->from, &from, error) ||
      !date_time_parameter("to", query->to, &to, error) || !read_cursor(query, &cursor, error) ||
      !for_table(connection, audit_list_sql, &sql, error) || sql == NULL)
    return NULL;
  g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, cursor.id);
  g_autofree char *limit = g_strdup_printf("%u", query->limit + 1);
  const char *values[N_PARAMETERS] = {
      query->q, query->category, query->type, query->operator_name, query->success, from, to, cursor.number_key, id,
      limit};
  return pg_connection_queryv(connection, error, sql, N_PARAMETERS, values);
}

char *
audit_list(PgConnection *connection, const AuditQuery *query, GError **error)
{
  g_autoptr(GError) problem = NULL;
  g_autoptr(PgResult) page = choose_entries(connection, query, &problem);
  if (problem != NULL) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  g_autoptr(GPtrArray) items = g_ptr_array_new();
  guint n = page != NULL && pg_result_text(page, 0, 0) != NULL ? MIN(pg_result_rows(page), query->limit) : 0;
  for (guint i = 0; i < n; i++)
    g_ptr_array_add(items, (gpointer)pg_result_text(page, i, 3));
  g_autofree char *next = NULL;
  if (page != NULL && pg_result_rows(page) > n && n > 0)
    next = cursor_write(&(Cursor){.sort = (char *)"createdAt",
                                  .is_descending = TRUE,
                                  .number_key = (char *)pg_result_text(page, n - 1, 1),
                                  .id = pg_result_int64(page, n - 1, 0)});
  return cursor_page(items, next, query->limit, page != NULL ? pg_result_text(page, 0, 2) : "0");
}

char *
audit_read(PgConnection *connection, const char *id, GError **error)
{
  g_autofree char *sql = NULL, *item = NULL;
  if (!for_table(connection, audit_read_sql, &sql, error))
    return NULL;
  gboolean is_id = g_ascii_string_to_unsigned(id, 10, 1, G_MAXINT64, NULL, NULL);
  if (sql != NULL && is_id && !pg_connection_value(connection, &item, error, sql, 1, id))
    return NULL;
  if (item == NULL)
    error_set(error, CCH_ERROR_NOT_FOUND, "audit entry %.32s", id);
  return g_steal_pointer(&item);
}
