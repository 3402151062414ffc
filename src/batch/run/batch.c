#include "batch/run/batch.h"

#include "base/error.h"
#include "batch/fields/tags.h"
#include "batch/run/rules.h"
#include "batch/run/transaction.h"
#include "batch_sql.h"

#include <string.h>

typedef struct {
  const BatchRequest *request;
  BatchProblems *problems;
} Work;

static void
refuse_unknown(const Work *work, const BatchRows *rows)
{
  for (guint i = 0; i < work->request->ids->len; i++) {
    gint64 id = g_array_index(work->request->ids, gint64, i);
    if (batch_rows_find(rows, id) == NULL)
      batch_problems_refuse(work->problems, CCH_ERROR_BATCH_UNKNOWN, work->request->entity, id, NULL);
  }
}

static guint
field_index(const BatchRows *rows, const BatchField *field)
{
  guint index = 0;
  g_ptr_array_find(rows->fields, field, &index);
  return index;
}

static void
set_value(const Work *work, const BatchRows *rows, BatchRow *row, const BatchValue *value)
{
  guint index = field_index(rows, value->field);
  if (!value->is_change) {
    /* These columns of the hub have JSON's null by default. To the hub, that is the same as SQL's NULL: no change. */
    if (value->value != NULL || strcmp(batch_field_sql_type(value->field), "jsonb") != 0 ||
        g_strcmp0(row->before[index], "null") != 0)
      batch_row_set(row, index, value->value);
    return;
  }
  g_autofree char *tags = NULL;
  if (batch_tags_change(value->field, row->before[index], (const char *const *)value->add,
                        (const char *const *)value->remove, &tags) == NULL)
    batch_row_set(row, index, tags);
  else
    batch_problems_refuse(work->problems, CCH_ERROR_BATCH_TOO_MANY_TAGS, rows->entity, row->id, row->label);
}

static void
set_values(const Work *work, BatchRows *rows)
{
  const BatchRequest *request = work->request;
  for (guint i = 0; i < request->ids->len; i++) {
    BatchRow *row = batch_rows_find(rows, g_array_index(request->ids, gint64, i));
    const GArray *values = request->values->pdata[request->is_per_row ? i : 0];
    for (guint k = 0; row != NULL && k < values->len; k++)
      set_value(work, rows, row, &g_array_index(values, BatchValue, k));
  }
}

/* The transaction's time, which the rows have. */
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

/* Deletes endpoints that no provider uses any more, as the hub does. */
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
  set_values(work, rows);
  if (work->request->entity == BATCH_KEYS)
    return batch_keys_write(transaction, rows, NULL, error);
  return batch_transaction_write(transaction, rows, error) && batch_provider_groups_add(transaction, rows, error);
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
  if (!request->is_dry_run)
    json_object_set_new(answer, "operationId", json_string(transaction->operation_id));
  return answer;
}

static gboolean
change_rows(BatchTransaction *transaction, GError **error)
{
  const Work *work = transaction->user_data;
  const BatchRequest *request = work->request;
  g_autofree char *ids = batch_ids_value(request->ids);
  if (request->entity == BATCH_KEYS && !batch_keys_lock_owners(transaction, ids, error))
    return FALSE;
  g_autoptr(BatchRows) rows =
      batch_rows_lock(transaction->connection, request->entity, request->fields, ids, FALSE, error);
  if (rows == NULL)
    return FALSE;
  refuse_unknown(work, rows);
  if (!write_rows(transaction, work, rows, error))
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
                                          .problems = problems,
                                          .cancellable = cancellable,
                                          .kind = kind_of(request),
                                          .is_dry_run = request->is_dry_run,
                                          .user_data = &state};
  return batch_transaction_run(&transaction, change_rows, error) ? g_steal_pointer(&transaction.answer) : NULL;
}

GHashTable *
batch_read_widths(PgConnection *connection, BatchEntity entity, GError **error)
{
  g_autoptr(PgResult) result = pg_connection_query(connection, error, batch_widths_sql, 1, batch_entity_name(entity));
  if (result == NULL)
    return NULL;
  GHashTable *widths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < pg_result_rows(result); i++)
    g_hash_table_insert(widths, g_strdup(pg_result_text(result, i, 0)),
                        GUINT_TO_POINTER((guint)pg_result_int64(result, i, 1)));
  return widths;
}

json_t *
batch_run_json(const BatchContext *context, BatchEntity entity, BatchAction action, const JsonTree *body,
               BatchProblems *problems, GCancellable *cancellable, GError **error)
{
  g_autoptr(GHashTable) widths = batch_read_widths(context->connection, entity, error);
  g_autoptr(BatchRequest) request =
      widths != NULL ? batch_request_from_json(entity, action, body, widths, problems, error) : NULL;
  return request != NULL ? batch_run(context, request, problems, cancellable, error) : NULL;
}
