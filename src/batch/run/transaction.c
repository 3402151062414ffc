#include "batch/run/transaction.h"

#include "audit/audit.h"
#include "base/error.h"
#include "base/json.h"
#include "base/random_id.h"
#include "base/wait.h"
#include "batch/rows/record.h"
#include "batch_sql.h"
#include "hub/cache.h"
#include "pg/connection/commit.h"
#include "pg/connection/sqlstate.h"
#include "pg/migrate/migrate.h"

#include <sodium.h>
#include <string.h>

enum {
  MAX_ATTEMPTS = 8,
  RETRY_MS = 20, /* multiplied by the number of the attempt, plus a random part */
  ID_BYTES = 16,
};

void
batch_transaction_clear(BatchTransaction *transaction)
{
  g_clear_pointer(&transaction->operation_id, g_free);
  g_clear_pointer(&transaction->journal, batch_journal_free);
  g_clear_pointer(&transaction->changed, g_array_unref);
  g_clear_pointer(&transaction->answer, json_decref);
  g_clear_pointer(&transaction->before, json_decref);
  g_clear_pointer(&transaction->after, json_decref);
}

static void
note_for_hub(BatchTransaction *transaction, const BatchRows *rows)
{
  guint deleted_at = 0;
  gboolean has_deletions =
      g_ptr_array_find(rows->fields, batch_field_by_column(rows->entity, "deleted_at"), &deleted_at);
  for (guint i = 0; i < rows->rows->len; i++) {
    const BatchRow *row = rows->rows->pdata[i];
    if (!batch_row_differs(row))
      continue;
    HubChange change = {.table = batch_entity_name(rows->entity), .id = row->id};
    change.is_deletion = has_deletions && g_strcmp0(row->before[deleted_at], row->after[deleted_at]) != 0;
    g_array_append_val(transaction->changed, change);
  }
}

gboolean
batch_transaction_write(BatchTransaction *transaction, BatchRows *rows, GError **error)
{
  if (!batch_rows_write(transaction->connection, rows, error))
    return FALSE;
  batch_journal_add(transaction->journal, rows);
  note_for_hub(transaction, rows);
  return TRUE;
}

/* Takes the idempotency key, waiting for a transaction that is using it; `is_repetition` if it was used before. Does
 * nothing in a dry run. */
static gboolean
claim_key(BatchTransaction *transaction, GError **error)
{
  const BatchContext *context = transaction->context;
  if (transaction->is_dry_run)
    return TRUE;
  g_autoptr(PgResult) inserted = pg_connection_query(
      transaction->connection, error, batch_claim_sql, 7, transaction->operation_id, transaction->kind, context->who,
      context->client_ip, context->idempotency_key, context->fingerprint, G_STRINGIFY(BATCH_KEEP_HOURS));
  if (inserted == NULL)
    return FALSE;
  if (pg_result_rows(inserted) == 1)
    return TRUE;
  g_autoptr(PgResult) earlier =
      pg_connection_query(transaction->connection, error, batch_claimed_sql, 2, context->who, context->idempotency_key);
  if (earlier == NULL)
    return FALSE;
  const char *fingerprint = pg_result_rows(earlier) == 1 ? pg_result_text(earlier, 0, 1) : NULL;
  if (g_strcmp0(fingerprint, context->fingerprint) != 0) {
    error_set(error, CCH_ERROR_BATCH_IDEMPOTENCY, "the key \"%s\" was used for another request",
              context->idempotency_key);
    return FALSE;
  }
  transaction->answer = json_loads(pg_result_text(earlier, 0, 0), 0, NULL);
  transaction->is_repetition = TRUE;
  return TRUE;
}

/* "a" from the idempotency key "a/1": the group of several batches. NULL: none; free with g_free. */
static char *
group_of(const char *idempotency_key)
{
  const char *end = idempotency_key != NULL ? strchr(idempotency_key, '/') : NULL;
  return end != NULL && end > idempotency_key ? g_strndup(idempotency_key, (gsize)(end - idempotency_key)) : NULL;
}

static gboolean
audit_operation(BatchTransaction *transaction, const char *group, GError **error)
{
  gboolean is_about_rows = transaction->after == NULL;
  if (!is_about_rows && group != NULL)
    json_object_set_new(transaction->after, "group", json_string(group));
  g_autofree char *before = is_about_rows ? NULL : json_to_text(transaction->before);
  g_autofree char *after = is_about_rows ? NULL : json_to_text(transaction->after);
  AuditEntry entry = {.category = "batch",
                      .type = transaction->kind,
                      .operator_name = transaction->context->who,
                      .operator_ip = transaction->context->client_ip,
                      .target_name = transaction->operation_id,
                      .before_json = is_about_rows ? transaction->journal->before->str : before,
                      .details_json = is_about_rows ? transaction->journal->after->str : after,
                      .success = TRUE};
  return audit_write(transaction->connection, &entry, error);
}

static gboolean
record_operation(BatchTransaction *transaction, GError **error)
{
  g_autofree char *group = group_of(transaction->context->idempotency_key);
  batch_journal_end(transaction->journal, group);
  g_autofree char *n_rows = g_strdup_printf("%u", transaction->journal->n_rows);
  g_autofree char *answer = json_to_text(transaction->answer);
  g_autoptr(PgResult) result =
      pg_connection_query(transaction->connection, error, batch_record_sql, 4, transaction->operation_id,
                          transaction->journal->changes->str, n_rows, answer);
  return result != NULL && audit_operation(transaction, group, error);
}

static gboolean
commit_work(BatchTransaction *transaction, GError **error)
{
  g_autoptr(GError) failure = NULL;
  PgOutcome outcome = pg_commit(transaction->connection, transaction->context->dsn, &failure);
  pg_connection_set_cancellable(transaction->connection, transaction->cancellable);
  if (outcome == PG_OUTCOME_UNKNOWN)
    error_set(error, CCH_ERROR_BATCH_OUTCOME_UNKNOWN, "operation %s", transaction->operation_id);
  else if (outcome == PG_ABORTED)
    g_propagate_error(error, g_steal_pointer(&failure));
  return outcome == PG_COMMITTED;
}

/* Fixed formats of times let other sessions compare them as text. The default search_path lets triggers and checks of
 * the hub's tables find unqualified names as they do for the hub. */
static void
begin(BatchTransaction *transaction)
{
  static const char *const commands[] = {"BEGIN", "SET LOCAL TimeZone = 'UTC'", "SET LOCAL DateStyle = 'ISO'",
                                         "SET LOCAL lock_timeout = '15s'", "SET LOCAL search_path TO DEFAULT"};
  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
    pg_connection_defer(transaction->connection, commands[i]);
}

static gboolean
attempt_work(BatchTransaction *transaction, BatchWorkFunc work, GError **error)
{
  g_clear_pointer(&transaction->answer, json_decref);
  g_clear_pointer(&transaction->journal, batch_journal_free);
  g_clear_pointer(&transaction->changed, g_array_unref);
  g_clear_pointer(&transaction->problems->refused, json_decref);
  g_clear_pointer(&transaction->before, json_decref);
  g_clear_pointer(&transaction->after, json_decref);
  transaction->journal = batch_journal_new();
  transaction->changed = g_array_new(FALSE, FALSE, sizeof(HubChange));
  begin(transaction);
  if (!claim_key(transaction, error))
    return FALSE;
  if (!transaction->is_repetition && !work(transaction, error))
    return FALSE;
  if (transaction->is_repetition || transaction->is_dry_run)
    return pg_connection_exec(transaction->connection, "ROLLBACK", error);
  return batch_problems_none_refused(transaction->problems, error) && record_operation(transaction, error) &&
         commit_work(transaction, error);
}

static void
show_dry_run(BatchTransaction *transaction)
{
  json_t *answer = transaction->answer;
  batch_journal_end(transaction->journal, NULL);
  g_autoptr(json_t) changes = json_loads(transaction->journal->changes->str, 0, NULL);
  json_object_set_new(answer, "rows", batch_record_describe(changes));
  json_object_set_new(answer, "fields", batch_record_summarize(changes));
  if (transaction->problems->refused != NULL)
    json_object_set(answer, "refused", transaction->problems->refused);
  else
    json_object_set_new(answer, "refused", json_array());
}

/* Tells the hub. The result is part of the answer, also of a repetition's. */
static void
tell_hub(BatchTransaction *transaction)
{
  pg_connection_set_cancellable(transaction->connection, NULL); /* it is committed, even if the client has left */
  g_autoptr(json_t) is_told =
      hub_cache_tell(transaction->context->redis_url, transaction->connection, transaction->changed);
  json_object_set(transaction->answer, "cacheNotified", is_told);
  if (transaction->context->idempotency_key != NULL) {
    g_autofree char *answer = json_to_text(transaction->answer);
    g_autoptr(PgResult) result = pg_connection_query(transaction->connection, NULL,
                                                     "UPDATE cch_data.operations SET result = $2::json WHERE id = $1",
                                                     2, transaction->operation_id, answer);
  }
  pg_connection_set_cancellable(transaction->connection, transaction->cancellable);
}

static gboolean
finish_answer(BatchTransaction *transaction)
{
  if (transaction->is_dry_run)
    show_dry_run(transaction);
  else if (!transaction->is_repetition)
    tell_hub(transaction);
  else if (json_object_get(transaction->answer, "cacheNotified") == NULL)
    json_object_set_new(transaction->answer, "cacheNotified", json_null()); /* the hub is being told right now */
  return TRUE;
}

/* The service migrates at its start. The first batch on a database that is not migrated migrates it by itself. */
static gboolean
make_own_schema(BatchTransaction *transaction, const GError *failure, GError **error)
{
  if (error_has_sqlstate(failure, SQLSTATE_UNDEFINED_TABLE) || error_has_sqlstate(failure, SQLSTATE_UNDEFINED_COLUMN))
    return pg_migrate(transaction->connection, NULL, error);
  g_propagate_error(error, g_error_copy(failure));
  return FALSE;
}

gboolean
batch_transaction_run(BatchTransaction *transaction, BatchWorkFunc work, GError **error)
{
  transaction->operation_id = random_id_new(ID_BYTES);
  transaction->connection = transaction->context->connection;
  pg_connection_repeats_conflicts(transaction->connection);
  for (guint number = 1;; number++) {
    g_autoptr(GError) failure = NULL;
    if (attempt_work(transaction, work, &failure))
      return finish_answer(transaction);
    pg_connection_rollback(transaction->connection);
    gboolean is_conflict = error_code(failure) == CCH_ERROR_DATABASE_CONFLICT;
    if (number == MAX_ATTEMPTS || (!is_conflict && number > 1)) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return FALSE;
    }
    if (!is_conflict && !make_own_schema(transaction, failure, error))
      return FALSE;
    if (is_conflict && !sleep_ms(RETRY_MS * number + randombytes_uniform(RETRY_MS), transaction->cancellable, error))
      return FALSE;
  }
}
