#include "batch/run/rules.h"

#include "base/error.h"
#include "batch_sql.h"

gboolean
batch_keys_lock_owners(BatchTransaction *transaction, const char *ids, GError **error)
{
  g_autoptr(PgResult) owners = pg_connection_query(transaction->connection, error, batch_lock_owners_sql, 1, ids);
  return owners != NULL;
}

typedef gboolean (*RowFunc)(const BatchRow *row, guint field);

/* The owners, as an int4[] value, of the keys whose field satisfies `matters`; NULL if there are none. */
static char *
owners_where(const BatchRows *keys, const char *column, RowFunc matters)
{
  guint field = 0;
  if (!g_ptr_array_find(keys->fields, batch_field_by_column(BATCH_KEYS, column), &field))
    return NULL;
  g_autoptr(GArray) owners = g_array_new(FALSE, FALSE, sizeof(gint64));
  for (guint i = 0; i < keys->rows->len; i++) {
    const BatchRow *row = keys->rows->pdata[i];
    if (matters(row, field))
      g_array_append_val(owners, row->owner_id);
  }
  return owners->len > 0 ? batch_ids_value(owners) : NULL;
}

static gboolean
is_disabled(const BatchRow *row, guint field)
{
  return g_strcmp0(row->before[field], "true") == 0 && g_strcmp0(row->after[field], "true") != 0;
}

static gboolean
is_changed(const BatchRow *row, guint field)
{
  return g_strcmp0(row->before[field], row->after[field]) != 0;
}

/* Ids and names of the users who have a working key at the moment `at`. Their keys stay locked, so that the hub
 * cannot disable the last one meanwhile. */
static GHashTable *
users_with_usable_keys(BatchTransaction *transaction, const char *owners, const char *at, GError **error)
{
  g_autoptr(PgResult) result =
      pg_connection_query(transaction->connection, error, batch_usable_keys_sql, 2, owners, at);
  if (result == NULL)
    return NULL;
  GHashTable *users = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  for (guint i = 0; i < pg_result_rows(result); i++)
    g_hash_table_insert(users, GINT_TO_POINTER((int)pg_result_int64(result, i, 0)),
                        g_strdup(pg_result_text(result, i, 1)));
  return users;
}

static int
compare_pointers(gconstpointer a, gconstpointer b)
{
  int x = GPOINTER_TO_INT(a), y = GPOINTER_TO_INT(b);
  return x < y ? -1 : x > y;
}

/* A user who had a working key must still have one. A user without one is not made worse. */
static gboolean
check_usable_keys(BatchTransaction *transaction, GHashTable *before, const char *owners, const char *at, GError **error)
{
  g_autoptr(GHashTable) after = users_with_usable_keys(transaction, owners, at, error);
  if (after == NULL)
    return FALSE;
  g_autoptr(GList) users = g_list_sort(g_hash_table_get_keys(before), compare_pointers);
  for (GList *user = users; user != NULL; user = user->next)
    if (!g_hash_table_contains(after, user->data))
      batch_problems_refuse(transaction->problems, CCH_ERROR_BATCH_LAST_KEY, BATCH_USERS, GPOINTER_TO_INT(user->data),
                            g_hash_table_lookup(before, user->data));
  return TRUE;
}

static gboolean
write_keys(BatchTransaction *transaction, BatchRows *keys, GError **error)
{
  g_autofree char *owners = owners_where(keys, "is_enabled", is_disabled);
  if (owners == NULL)
    return batch_transaction_write(transaction, keys, error);
  /* Takes the time now: keys may have expired during the wait for the locks. */
  g_autofree char *at = NULL;
  if (!pg_connection_value(transaction->connection, &at, error, "SELECT clock_timestamp()::text", 0))
    return FALSE;
  g_autoptr(GHashTable) usable = users_with_usable_keys(transaction, owners, at, error);
  return usable != NULL && batch_transaction_write(transaction, keys, error) &&
         check_usable_keys(transaction, usable, owners, at, error);
}

/* user id (gint64) → GPtrArray of its keys' groups, whose strings belong to the result. */
static GHashTable *
group_lists(const PgResult *groups)
{
  GHashTable *lists = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  for (guint i = 0; i < pg_result_rows(groups); i++) {
    gint64 user = pg_result_int64(groups, i, 0);
    GPtrArray *list = g_hash_table_lookup(lists, &user);
    if (list == NULL) {
      list = g_ptr_array_new_null_terminated(4, NULL, TRUE);
      g_hash_table_insert(lists, g_memdup2(&user, sizeof user), list);
    }
    g_ptr_array_add(list, (gpointer)pg_result_text(groups, i, 1));
  }
  return lists;
}

/* The change of the user's group in the records, or NULL. */
static const json_t *
recorded_group(const json_t *records, gint64 user_id)
{
  gsize i;
  const json_t *record;
  json_array_foreach((json_t *)records, i, record) {
    if (json_integer_value(json_object_get(record, "id")) == user_id)
      return json_array_get(json_object_get(record, "changes"), 0);
  }
  return NULL;
}

static void
follow_keys(BatchTransaction *transaction, BatchRow *user, const GPtrArray *lists, const json_t *recorded)
{
  static const char *const none[] = {NULL};
  const BatchField *group = batch_field_by_column(BATCH_USERS, "provider_group");
  if (recorded != NULL && g_strcmp0(user->before[0], json_string_value(json_object_get(recorded, "after"))) == 0) {
    batch_row_set(user, 0, json_string_value(json_object_get(recorded, "before")));
    return;
  }
  g_autofree char *joined = batch_group_join(lists != NULL ? (const char *const *)lists->pdata : none);
  if (g_utf8_strlen(joined, -1) <= group->highest)
    batch_row_set(user, 0, joined);
  else
    batch_problems_refuse(transaction->problems, CCH_ERROR_BATCH_GROUP_TOO_LONG, BATCH_USERS, user->id, user->label);
}

/* A user's group is the union of its keys' groups. */
static gboolean
sync_groups(BatchTransaction *transaction, const char *owners, const json_t *records, GError **error)
{
  g_autoptr(GPtrArray) fields = g_ptr_array_new();
  g_ptr_array_add(fields, (gpointer)batch_field_by_column(BATCH_USERS, "provider_group"));
  g_autoptr(BatchRows) users = batch_rows_lock(transaction->connection, BATCH_USERS, fields, owners, TRUE, error);
  g_autoptr(PgResult) groups =
      users != NULL ? pg_connection_query(transaction->connection, error, batch_key_groups_sql, 1, owners) : NULL;
  if (groups == NULL)
    return FALSE;
  g_autoptr(GHashTable) lists = group_lists(groups);
  for (guint i = 0; i < users->rows->len; i++) {
    BatchRow *user = users->rows->pdata[i];
    follow_keys(transaction, user, g_hash_table_lookup(lists, &user->id), recorded_group(records, user->id));
  }
  return batch_transaction_write(transaction, users, error);
}

gboolean
batch_keys_write(BatchTransaction *transaction, BatchRows *keys, const json_t *records, GError **error)
{
  g_autofree char *regrouped = owners_where(keys, "provider_group", is_changed);
  return write_keys(transaction, keys, error) &&
         (regrouped == NULL || sync_groups(transaction, regrouped, records, error));
}

gboolean
batch_provider_groups_add(BatchTransaction *transaction, const BatchRows *providers, GError **error)
{
  guint field = 0;
  if (!g_ptr_array_find(providers->fields, batch_field_by_column(BATCH_PROVIDERS, "group_tag"), &field))
    return TRUE;
  g_autoptr(GPtrArray) tags = g_ptr_array_new();
  for (guint i = 0; i < providers->rows->len; i++) {
    const BatchRow *row = providers->rows->pdata[i];
    if (row->after[field] != NULL && is_changed(row, field))
      g_ptr_array_add(tags, row->after[field]);
  }
  g_autofree char *table = NULL;
  if (tags->len == 0 ||
      !pg_connection_value(transaction->connection, &table, error, "SELECT to_regclass('public.provider_groups')", 0))
    return tags->len == 0;
  if (table == NULL)
    return TRUE;
  g_ptr_array_add(tags, NULL);
  g_autofree char *value = pg_array((const char *const *)tags->pdata);
  g_autoptr(PgResult) result = pg_connection_query(transaction->connection, error, batch_provider_groups_sql, 1, value);
  return result != NULL;
}
