#include "batch/batch.h"

#include "base/error.h"
#include "batch/hub_cache.h"
#include "batch/rules.h"
#include "batch/transaction.h"
#include "batch_sql.h"

#include <string.h>

typedef struct {
  const BatchRequest *request;
  BatchProblems *problems;
} Work;

static gboolean
check_all_there(const Work *work, const BatchRows *rows, GError **error)
{
  g_autoptr(GString) missing = g_string_new(NULL);
  guint n = 0;
  for (guint i = 0; i < work->request->ids->len; i++) {
    gint64 id = g_array_index(work->request->ids, gint64, i);
    if (batch_rows_find(rows, id) != NULL)
      continue;
    char text[24];
    g_snprintf(text, sizeof text, "%" G_GINT64_FORMAT, id);
    batch_append_name(missing, &n, text);
  }
  if (n > 0)
    error_set(error, CCH_ERROR_BATCH_UNKNOWN, "%s: %s", batch_entity_name(work->request->entity), missing->str);
  return n == 0;
}

static guint
field_index(const BatchRows *rows, const BatchField *field)
{
  guint index = 0;
  g_ptr_array_find(rows->fields, field, &index);
  return index;
}

/* FALSE when there would be too many tags. */
static gboolean
set_value(const Work *work, const BatchRows *rows, BatchRow *row, const BatchValue *value)
{
  guint index = field_index(rows, value->field);
  if (!value->is_change) {
    batch_row_set(row, index, value->value);
    return TRUE;
  }
  g_autofree char *tags = NULL;
  BatchProblem problem = batch_tags_change(row->before[index], value->add, value->remove, &tags);
  if (problem != NULL) {
    g_autofree char *path =
        g_strdup_printf("%s[%" G_GINT64_FORMAT "].%s", batch_entity_name(rows->entity), row->id, value->field->name);
    batch_problems_add(work->problems, path, problem, value->field);
    return FALSE;
  }
  batch_row_set(row, index, tags);
  return TRUE;
}

static gboolean
set_values(const Work *work, BatchRows *rows, GError **error)
{
  const BatchRequest *request = work->request;
  gboolean ok = TRUE;
  for (guint i = 0; i < rows->rows->len; i++) {
    const GArray *values = request->values->pdata[request->values->len > 1 ? i : 0];
    for (guint k = 0; k < values->len; k++)
      ok = set_value(work, rows, rows->rows->pdata[i], &g_array_index(values, BatchValue, k)) && ok;
  }
  if (!ok)
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "too many tags");
  return ok;
}

/* The transaction's time, as the rows have it. */
static gboolean
mark_deleted(BatchTransaction *transaction, BatchRows *rows, GError **error)
{
  g_autofree char *now = NULL;
  if (!pg_connection_value(transaction->connection, &now, error, "SELECT now()::text", 0))
    return FALSE;
  guint deleted_at = field_index(rows, batch_field_by_column(rows->entity, "deleted_at"));
  for (guint i = 0; i < rows->rows->len; i++)
    batch_row_set(rows->rows->pdata[i], deleted_at, now);
  return batch_transaction_write(transaction, rows, error);
}

/* Endpoints that no provider uses any more go with the providers, as the hub does it. */
static gboolean
delete_endpoints(BatchTransaction *transaction, const char *providers, GError **error)
{
  g_autofree char *table = NULL;
  if (!pg_connection_value(transaction->connection, &table, error, "SELECT to_regclass('public.provider_endpoints')",
                           0))
    return FALSE;
  if (table == NULL)
    return TRUE;
  g_autoptr(PgResult) found =
      pg_connection_query(transaction->connection, error, batch_orphaned_endpoints_sql, 1, providers);
  if (found == NULL)
    return FALSE;
  g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint64));
  for (guint i = 0; i < pg_result_rows(found); i++) {
    gint64 id = pg_result_int64(found, i, 0);
    g_array_append_val(ids, id);
  }
  g_autoptr(GPtrArray) fields = g_ptr_array_new();
  g_ptr_array_add(fields, (gpointer)batch_field_by_column(BATCH_ENDPOINTS, "is_enabled"));
  g_ptr_array_add(fields, (gpointer)batch_field_by_column(BATCH_ENDPOINTS, "deleted_at"));
  g_autofree char *value = batch_ids_value(ids);
  g_autoptr(BatchRows) rows = batch_rows_lock(transaction->connection, BATCH_ENDPOINTS, fields, value, FALSE, error);
  if (rows == NULL)
    return FALSE;
  for (guint i = 0; i < rows->rows->len; i++)
    batch_row_set(rows->rows->pdata[i], 0, "false");
  return mark_deleted(transaction, rows, error);
}

static gboolean
write_rows(BatchTransaction *transaction, const Work *work, BatchRows *rows, GError **error)
{
  if (work->request->action == BATCH_DELETE) {
    g_autofree char *ids = batch_ids_value(work->request->ids);
    return mark_deleted(transaction, rows, error) && delete_endpoints(transaction, ids, error);
  }
  return set_values(work, rows, error) &&
         (work->request->entity == BATCH_KEYS ? batch_keys_write(transaction, rows, error)
                                              : batch_transaction_write(transaction, rows, error));
}

static json_t *
make_answer(const BatchTransaction *transaction, const BatchRequest *request, const BatchRows *rows)
{
  json_t *ids = json_array();
  for (guint i = 0; i < request->ids->len; i++)
    json_array_append_new(ids, json_integer(g_array_index(request->ids, gint64, i)));
  gboolean is_delete = request->action == BATCH_DELETE;
  json_t *answer = json_pack("{s:I, s:I, s:o, s:I, s:b}", "requestedCount", (json_int_t)request->ids->len,
                             is_delete ? "deletedCount" : "updatedCount", (json_int_t)rows->rows->len,
                             is_delete ? "deletedIds" : "updatedIds", ids, "changedCount", (json_int_t)rows->n_changed,
                             "dryRun", request->is_dry_run);
  if (request->is_dry_run)
    json_object_set_new(answer, "rows", batch_rows_describe(rows));
  else
    json_object_set_new(answer, "operationId", json_string(transaction->operation_id));
  return answer;
}

static gboolean
work(BatchTransaction *transaction, GError **error)
{
  const Work *work = transaction->user_data;
  const BatchRequest *request = work->request;
  g_autofree char *ids = batch_ids_value(request->ids);
  if (request->entity == BATCH_KEYS && !batch_keys_lock_owners(transaction, ids, error))
    return FALSE;
  g_autoptr(BatchRows) rows =
      batch_rows_lock(transaction->connection, request->entity, request->fields, ids, FALSE, error);
  if (rows == NULL || !check_all_there(work, rows, error) || !write_rows(transaction, work, rows, error))
    return FALSE;
  transaction->answer = make_answer(transaction, request, rows);
  return TRUE;
}

static const char *
kind_of(const BatchRequest *request)
{
  static const char *const kinds[BATCH_N_ENTITIES] = {"users:batchUpdate", "keys:batchUpdate", "providers:batchUpdate",
                                                      NULL};
  return request->action == BATCH_DELETE ? "providers:batchDelete" : kinds[request->entity];
}

json_t *
batch_run(const BatchContext *context, const BatchRequest *request, BatchProblems *problems, GCancellable *cancellable,
          GError **error)
{
  Work state = {request, problems};
  g_auto(BatchTransaction) transaction = {.context = context,
                                          .cancellable = cancellable,
                                          .kind = kind_of(request),
                                          .is_dry_run = request->is_dry_run,
                                          .user_data = &state};
  if (!batch_transaction_run(&transaction, work, error))
    return NULL;
  if (!request->is_dry_run && !transaction.is_repetition)
    json_object_set_new(transaction.answer, "cacheNotified", hub_cache_tell(context, transaction.changes));
  return g_steal_pointer(&transaction.answer);
}

/* column → width in characters. */
static GHashTable *
read_widths(const BatchContext *context, BatchEntity entity, GCancellable *cancellable, GError **error)
{
  g_autoptr(PgConnection) connection = pg_connection_open(context->dsn, "cch-data batch", cancellable, error);
  g_autoptr(PgResult) result =
      connection != NULL ? pg_connection_query(connection, error, batch_widths_sql, 1, batch_entity_name(entity))
                         : NULL;
  if (result == NULL)
    return NULL;
  GHashTable *widths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < pg_result_rows(result); i++)
    g_hash_table_insert(widths, g_strdup(pg_result_text(result, i, 0)),
                        GUINT_TO_POINTER((guint)pg_result_int64(result, i, 1)));
  return widths;
}

json_t *
batch_run_json(const BatchContext *context, BatchEntity entity, BatchAction action, const json_t *body,
               BatchProblems *problems, GCancellable *cancellable, GError **error)
{
  g_autoptr(GHashTable) widths = read_widths(context, entity, cancellable, error);
  g_autoptr(BatchRequest) request =
      widths != NULL ? batch_request_from_json(entity, action, body, widths, problems, error) : NULL;
  return request != NULL ? batch_run(context, request, problems, cancellable, error) : NULL;
}
