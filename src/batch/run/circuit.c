#include "batch/run/circuit.h"

#include "base/error.h"
#include "batch/run/transaction.h"
#include "hub/circuits.h"
#include "redis/redis.h"

#include <string.h>

/* Closes each of KEYS, and tells what each was of which there was something to close, else "". ARGV[1] is "1" for a dry
 * run. A breaker of a vendor and type has other fields, a life of 30 days, and may have been opened by hand. */
static const char close_script[] =
    "local result = {} "
    "for i, key in ipairs(KEYS) do "
    "  local h = redis.call('HMGET', key, 'circuitState', 'failureCount', 'manualOpen') "
    "  local open = (h[1] and h[1] ~= 'closed') or (h[2] and h[2] ~= '0' and h[2] ~= '') "
    "  if open and h[3] ~= '1' then "
    "    result[i] = h[1] or 'closed' "
    "    if ARGV[1] ~= '1' then "
    "      if string.sub(key, 1, 12) == 'vendor_type_' then "
    "        redis.call('HSET', key, 'circuitState', 'closed', 'circuitOpenUntil', '', 'lastFailureTime', '') "
    "        redis.call('EXPIRE', key, 2592000) "
    "      else "
    "        redis.call('HSET', key, 'failureCount', '0', 'lastFailureTime', '', 'circuitState', 'closed', "
    "                   'circuitOpenUntil', '', 'halfOpenSuccessCount', '0') "
    "        redis.call('EXPIRE', key, 86400) "
    "      end "
    "    end "
    "  else result[i] = '' end "
    "end "
    "return result";

#define CIRCUIT_CHANNEL "cch:cache:circuit_breaker_config:updated"

/* Refuses ids that no provider has. */
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

static RedisReply *
run_script(RedisConnection *connection, const PgResult *keys, gboolean is_dry_run, GError **error)
{
  char n_keys[12];
  guint n = pg_result_rows(keys);
  g_snprintf(n_keys, sizeof n_keys, "%u", n);
  g_autoptr(GPtrArray) argv = g_ptr_array_sized_new(n + 4);
  g_ptr_array_add(argv, (gpointer) "EVAL");
  g_ptr_array_add(argv, (gpointer)close_script);
  g_ptr_array_add(argv, n_keys);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add(argv, (gpointer)pg_result_text(keys, i, 1));
  g_ptr_array_add(argv, (gpointer)(is_dry_run ? "1" : "0"));
  return redis_commandv(connection, error, argv->len, (const char *const *)argv->pdata);
}

/* The providers of which something was reset, each once: keys come sorted by provider. */
static json_t *
reset_ids(const PgResult *keys, const RedisReply *reply)
{
  json_t *ids = json_array();
  for (guint i = 0; i < MIN(pg_result_rows(keys), redis_reply_length(reply)); i++) {
    gint64 id = pg_result_int64(keys, i, 0);
    json_t *last = json_array_get(ids, json_array_size(ids) - 1);
    const char *state = redis_reply_string(redis_reply_element(reply, i));
    if (state != NULL && *state != '\0' && (last == NULL || json_integer_value(last) != id))
      json_array_append_new(ids, json_integer(id));
  }
  return ids;
}

static gboolean
tell_hub(RedisConnection *connection, const json_t *ids, GError **error)
{
  g_autoptr(json_t) message = json_pack("{s:O}", "providerIds", ids);
  char *text = json_dumps(message, JSON_COMPACT);
  g_autoptr(RedisReply) reply = redis_command(connection, error, 3, "PUBLISH", CIRCUIT_CHANNEL, text);
  free(text);
  return reply != NULL;
}

/* What each breaker was, and that it is closed now, for the audit. */
static void
note_breakers(BatchTransaction *transaction, const PgResult *keys, const RedisReply *reply)
{
  json_t *before = json_object(), *after = json_object();
  for (guint i = 0; i < MIN(pg_result_rows(keys), redis_reply_length(reply)); i++) {
    const char *state = redis_reply_string(redis_reply_element(reply, i));
    if (state == NULL || *state == '\0')
      continue;
    json_object_set_new(before, pg_result_text(keys, i, 1), json_string(state));
    json_object_set_new(after, pg_result_text(keys, i, 1), json_string("closed"));
  }
  transaction->before = before;
  transaction->after = after;
}

/* Redis takes no part in transactions: what was closed stays so, should the record fail. Nothing is tried again from
 * here on, since a second time there would be nothing left to close. */
static gboolean
close_breakers(BatchTransaction *transaction, const BatchRequest *request, const PgResult *keys, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(RedisConnection) redis = redis_connection_open(transaction->context->redis_url, &failure);
  g_autoptr(RedisReply) reply = redis != NULL ? run_script(redis, keys, request->is_dry_run, &failure) : NULL;
  g_autoptr(json_t) closed = reply != NULL ? reset_ids(keys, reply) : NULL;
  if (closed == NULL || (!request->is_dry_run && json_array_size(closed) > 0 && !tell_hub(redis, closed, &failure))) {
    error_set(error, CCH_ERROR_BATCH_CIRCUIT_REDIS, "%s", failure->message);
    return FALSE;
  }
  note_breakers(transaction, keys, reply);
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
  g_autoptr(PgResult) keys = circuit_keys_read(transaction->connection, ids, error);
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
