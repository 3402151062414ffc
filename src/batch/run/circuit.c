#include "batch/run/circuit.h"

#include "base/error.h"
#include "batch/run/transaction.h"
#include "hub/circuits.h"

#include <string.h>

/* Refuses ids of providers that do not exist. */
static gboolean
check_providers(BatchTransaction *transaction, const char *ids, GError **error)
{
  g_autoptr(PgResult) missing =
      pg_connection_query(transaction->connection, error,
                          "SELECT id FROM unnest($1::int4[]) AS id WHERE NOT EXISTS "
                          "(SELECT FROM public.providers AS p WHERE p.id = id.id AND p.deleted_at IS NULL) ORDER BY id",
                          1, ids);
  for (guint i = 0; missing != NULL && i < pg_result_rows(missing); i++)
    batch_problems_refuse(transaction->problems, CCH_ERROR_BATCH_UNKNOWN, BATCH_PROVIDERS,
                          pg_result_int64(missing, i, 0), NULL);
  return missing != NULL;
}

/* Redis takes no part in transactions: breakers stay closed if the record fails. Nothing is retried from here on,
 * because a second attempt would find nothing to close. */
static gboolean
close_breakers(BatchTransaction *transaction, const BatchRequest *request, const PgResult *keys, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(json_t) closed = hub_circuits_close(transaction->context->redis_url, keys, request->is_dry_run,
                                                &transaction->before, &transaction->after, &failure);
  if (closed == NULL) {
    error_set(error, CCH_ERROR_BATCH_CIRCUIT_REDIS, "%s", failure->message);
    return FALSE;
  }
  transaction->answer =
      json_pack("{s:I, s:I, s:O, s:b}", "requestedCount", (json_int_t)request->ids->len, "resetCount",
                (json_int_t)json_array_size(closed), "resetIds", closed, "dryRun", request->is_dry_run);
  if (!request->is_dry_run)
    json_object_set_new(transaction->answer, "operationId", json_string(transaction->operation_id));
  return TRUE;
}

static gboolean
reset_breakers(BatchTransaction *transaction, GError **error)
{
  const BatchRequest *request = transaction->user_data;
  g_autofree char *ids = batch_ids_value(request->ids);
  if (!check_providers(transaction, ids, error) ||
      (!request->is_dry_run && !batch_problems_none_refused(transaction->problems, error)))
    return FALSE;
  g_autoptr(PgResult) keys = hub_circuits_keys(transaction->connection, ids, error);
  return keys != NULL && close_breakers(transaction, request, keys, error);
}

json_t *
batch_circuits_run(const BatchContext *context, const BatchRequest *request, BatchProblems *problems,
                   GCancellable *cancellable, GError **error)
{
  if (context->redis_url == NULL) {
    error_set(error, CCH_ERROR_BATCH_CIRCUIT_REDIS, "REDIS_URL is not set");
    return NULL;
  }
  g_auto(BatchTransaction) transaction = {.context = context,
                                          .problems = problems,
                                          .cancellable = cancellable,
                                          .kind = "providers/circuits:batchReset",
                                          .is_dry_run = request->is_dry_run,
                                          .user_data = (gpointer)request};
  return batch_transaction_run(&transaction, reset_breakers, error) ? g_steal_pointer(&transaction.answer) : NULL;
}

json_t *
batch_circuits_reset(const BatchContext *context, const JsonTree *body, BatchProblems *problems,
                     GCancellable *cancellable, GError **error)
{
  g_autoptr(GHashTable) no_widths = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(BatchRequest) request =
      batch_request_from_json(BATCH_PROVIDERS, BATCH_DELETE, body, no_widths, problems, error);
  return request != NULL ? batch_circuits_run(context, request, problems, cancellable, error) : NULL;
}
