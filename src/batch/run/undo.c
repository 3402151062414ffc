#include "batch/run/undo.h"

#include "base/error.h"
#include "batch/run/rules.h"
#include "batch_sql.h"

#include <string.h>

typedef struct {
  const char *operation_id;
  gboolean skip_conflicts;
  json_t *changes;   /* of the undone operation */
  json_t *followers; /* of these, the users whose group followed from their keys */
  json_t *conflicts; /* [{entity, id, name}] */
  guint n_restored;
} Undo;

/* Reads the operation's record and locks it, so that it is undone only once. */
static gboolean
load_operation(BatchTransaction *transaction, Undo *undo, GError **error)
{
  g_autoptr(PgResult) result =
      pg_connection_query(transaction->connection, error, batch_operation_lock_sql, 1, undo->operation_id);
  if (result == NULL)
    return FALSE;
  if (pg_result_rows(result) == 0)
    error_set(error, CCH_ERROR_NOT_FOUND, "operation %.64s", undo->operation_id);
  else if (pg_result_bool(result, 0, 1))
    error_set(error, CCH_ERROR_BATCH_UNDO_EXPIRED, "operation %s", undo->operation_id);
  else if (pg_result_text(result, 0, 2) != NULL)
    error_set(error, CCH_ERROR_BATCH_UNDONE, "by operation %s", pg_result_text(result, 0, 2));
  else
    undo->changes = json_loads(pg_result_text(result, 0, 0), 0, NULL);
  if (undo->changes != NULL && json_array_size(undo->changes) == 0) {
    error_set(error, CCH_ERROR_BATCH_UNDO_NOTHING, "operation %s", undo->operation_id);
    return FALSE;
  }
  return undo->changes != NULL;
}

static gboolean
is_of(const json_t *record, BatchEntity entity)
{
  return strcmp(json_string_value(json_object_get(record, "entity")), batch_entity_name(entity)) == 0;
}

static void
add_fields(GPtrArray *fields, BatchEntity entity, const json_t *record)
{
  gsize i;
  const json_t *change;
  json_array_foreach(json_object_get(record, "changes"), i, change) {
    const char *column = json_string_value(json_object_get(change, "column"));
    const BatchField *field = batch_field_by_column(entity, column);
    if (field != NULL && !g_ptr_array_find(fields, field, NULL))
      g_ptr_array_add(fields, (gpointer)field);
  }
}

static int
compare_ids(gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
  return x < y ? -1 : x > y;
}

/* Locks the entity's rows that the operation changed; NULL without an error if there are none. */
static BatchRows *
lock_rows(BatchTransaction *transaction, const Undo *undo, BatchEntity entity, GError **error)
{
  g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint64));
  g_autoptr(GPtrArray) fields = g_ptr_array_new();
  gsize i;
  const json_t *record;
  json_array_foreach(undo->changes, i, record)
    if (is_of(record, entity)) {
      gint64 id = json_integer_value(json_object_get(record, "id"));
      g_array_append_val(ids, id);
      add_fields(fields, entity, record);
    }
  if (ids->len == 0)
    return NULL;
  g_array_sort(ids, compare_ids);
  g_autofree char *value = batch_ids_value(ids);
  if (entity == BATCH_KEYS && !batch_keys_lock_owners(transaction, value, error))
    return NULL;
  return batch_rows_lock(transaction->connection, entity, fields, value, TRUE, error);
}

/* FALSE if the row is no longer as the operation left it, or has been deleted since. */
static gboolean
set_back(const BatchRows *rows, BatchRow *row, const json_t *changes)
{
  gboolean may_be_deleted = FALSE;
  gsize i;
  const json_t *change;
  json_array_foreach((json_t *)changes, i, change) {
    guint index = 0;
    const char *column = json_string_value(json_object_get(change, "column"));
    const char *left = json_string_value(json_object_get(change, "after"));
    if (!g_ptr_array_find(rows->fields, batch_field_by_column(rows->entity, column), &index) ||
        g_strcmp0(row->before[index], left) != 0)
      return FALSE;
    may_be_deleted = may_be_deleted || strcmp(column, "deleted_at") == 0;
  }
  if (row->is_deleted && !may_be_deleted)
    return FALSE;
  json_array_foreach((json_t *)changes, i, change) {
    guint index = 0;
    const char *column = json_string_value(json_object_get(change, "column"));
    g_ptr_array_find(rows->fields, batch_field_by_column(rows->entity, column), &index);
    batch_row_set(row, index, json_string_value(json_object_get(change, "before")));
  }
  return TRUE;
}

/* Endpoints follow from their providers: one that exists again is no conflict. */
static void
set_all_back(Undo *undo, BatchRows *rows)
{
  gsize i;
  json_t *record;
  json_array_foreach(undo->changes, i, record)
    if (is_of(record, rows->entity)) {
      BatchRow *row = batch_rows_find(rows, json_integer_value(json_object_get(record, "id")));
      if (row != NULL && set_back(rows, row, json_object_get(record, "changes")))
        undo->n_restored += rows->entity != BATCH_ENDPOINTS;
      else if (rows->entity != BATCH_ENDPOINTS)
        json_array_append_new(undo->conflicts,
                              json_pack("{s:O, s:O, s:O*}", "entity", json_object_get(record, "entity"), "id",
                                        json_object_get(record, "id"), "name", json_object_get(record, "name")));
    }
}

static gboolean
restore_rows(BatchTransaction *transaction, Undo *undo, BatchEntity entity, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(BatchRows) rows = lock_rows(transaction, undo, entity, &failure);
  if (rows == NULL) {
    gboolean ok = failure == NULL;
    if (!ok)
      g_propagate_error(error, g_steal_pointer(&failure));
    return ok;
  }
  set_all_back(undo, rows);
  if (json_array_size(undo->conflicts) > 0 && !undo->skip_conflicts)
    return TRUE; /* refused at the end; the other tables' conflicts are listed, too */
  /* If some keys are left as they are, a user's group follows from its current keys. */
  const json_t *followers = json_array_size(undo->conflicts) == 0 ? undo->followers : NULL;
  return entity == BATCH_KEYS ? batch_keys_write(transaction, rows, followers, error)
                              : batch_transaction_write(transaction, rows, error);
}

/* Groups that followed from keys follow again: they are not a change of their own. */
static void
set_followers_apart(Undo *undo)
{
  gboolean has_keys = FALSE;
  gsize i;
  json_t *record;
  undo->followers = json_array();
  json_array_foreach(undo->changes, i, record)
    has_keys = has_keys || is_of(record, BATCH_KEYS);
  for (i = json_array_size(undo->changes); has_keys && i-- > 0;) {
    record = json_array_get(undo->changes, i);
    if (!is_of(record, BATCH_USERS))
      continue;
    json_array_append(undo->followers, record);
    json_array_remove(undo->changes, i);
  }
}

static gboolean
mark_undone(BatchTransaction *transaction, const Undo *undo, GError **error)
{
  g_autoptr(PgResult) result = pg_connection_query(transaction->connection, error, batch_operation_undone_sql, 2,
                                                   undo->operation_id, transaction->operation_id);
  return result != NULL;
}

static gboolean
undo_operation(BatchTransaction *transaction, GError **error)
{
  Undo *undo = transaction->user_data;
  undo->n_restored = 0;
  g_clear_pointer(&undo->changes, json_decref);
  g_clear_pointer(&undo->followers, json_decref);
  json_array_clear(undo->conflicts);
  if (!load_operation(transaction, undo, error))
    return FALSE;
  set_followers_apart(undo);
  for (guint entity = 0; entity < BATCH_N_ENTITIES; entity++)
    if (!restore_rows(transaction, undo, entity, error))
      return FALSE;
  if (json_array_size(undo->conflicts) > 0 && !undo->skip_conflicts) {
    error_set(error, CCH_ERROR_BATCH_UNDO_CONFLICT, "%u rows", (guint)json_array_size(undo->conflicts));
    return FALSE;
  }
  transaction->answer =
      json_pack("{s:s, s:I, s:O, s:b}", "undoneOperationId", undo->operation_id, "restoredCount",
                (json_int_t)undo->n_restored, "skipped", undo->conflicts, "dryRun", transaction->is_dry_run);
  if (transaction->is_dry_run)
    return TRUE;
  json_object_set_new(transaction->answer, "operationId", json_string(transaction->operation_id));
  return mark_undone(transaction, undo, error);
}

json_t *
batch_undo(const BatchContext *context, const char *operation_id, gboolean skip_conflicts, gboolean is_dry_run,
           BatchProblems *problems, json_t **ret_conflicts, GCancellable *cancellable, GError **error)
{
  Undo undo = {.operation_id = operation_id, .skip_conflicts = skip_conflicts, .conflicts = json_array()};
  g_auto(BatchTransaction) transaction = {.context = context,
                                          .problems = problems,
                                          .cancellable = cancellable,
                                          .kind = "operations:undo",
                                          .is_dry_run = is_dry_run,
                                          .user_data = &undo};
  gboolean ok = batch_transaction_run(&transaction, undo_operation, error);
  if (!ok && ret_conflicts != NULL && json_array_size(undo.conflicts) > 0)
    *ret_conflicts = json_incref(undo.conflicts);
  json_decref(undo.conflicts);
  json_decref(undo.changes);
  json_decref(undo.followers);
  return ok ? g_steal_pointer(&transaction.answer) : NULL;
}
