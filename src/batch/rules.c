#include "batch/rules.h"

#include "base/error.h"
#include "batch_sql.h"

enum { MAX_NAMED = 20 }; /* of the ids and users that an error names */

void
batch_append_name(GString *names, guint *n, const char *name)
{
  if (++*n <= MAX_NAMED)
    g_string_append_printf(names, "%s%s", *n > 1 ? ", " : "", name);
  else if (*n == MAX_NAMED + 1)
    g_string_append(names, " …");
}

gboolean
batch_keys_lock_owners(BatchTransaction *transaction, const char *ids, GError **error)
{
  g_autoptr(PgResult) owners = pg_connection_query(transaction->connection, error, batch_lock_owners_sql, 1, ids);
  return owners != NULL;
}

static char *
owners_value(const BatchRows *keys)
{
  g_autoptr(GArray) owners = g_array_new(FALSE, FALSE, sizeof(gint64));
  for (guint i = 0; i < keys->rows->len; i++)
    g_array_append_val(owners, ((const BatchRow *)keys->rows->pdata[i])->owner_id);
  return batch_ids_value(owners);
}

/* User ids as a set. */
static GHashTable *
users_with_usable_keys(BatchTransaction *transaction, const char *owners, GError **error)
{
  g_autoptr(PgResult) result = pg_connection_query(transaction->connection, error, batch_usable_keys_sql, 1, owners);
  if (result == NULL)
    return NULL;
  GHashTable *users = g_hash_table_new(NULL, NULL);
  for (guint i = 0; i < pg_result_rows(result); i++)
    g_hash_table_add(users, GINT_TO_POINTER((int)pg_result_int64(result, i, 0)));
  return users;
}

/* "alice (3)" for each of the ids, which are locked already. */
static char *
name_users(BatchTransaction *transaction, const GArray *ids, GError **error)
{
  g_autofree char *value = batch_ids_value(ids);
  g_autoptr(PgResult) result =
      pg_connection_query(transaction->connection, error,
                          "SELECT format('%s (%s)', name, id) FROM public.users WHERE id = ANY($1::int4[]) "
                          "ORDER BY id",
                          1, value);
  if (result == NULL)
    return NULL;
  GString *names = g_string_new(NULL);
  guint n = 0;
  for (guint i = 0; i < pg_result_rows(result); i++)
    batch_append_name(names, &n, pg_result_text(result, i, 0));
  return g_string_free(names, FALSE);
}

/* Whoever had a key that works must have one still; who had none before is not made worse. */
static gboolean
check_usable_keys(BatchTransaction *transaction, GHashTable *before, const char *owners, GError **error)
{
  g_autoptr(GHashTable) after = users_with_usable_keys(transaction, owners, error);
  if (after == NULL)
    return FALSE;
  g_autoptr(GArray) lost = g_array_new(FALSE, FALSE, sizeof(gint64));
  GHashTableIter iter;
  gpointer user;
  g_hash_table_iter_init(&iter, before);
  while (g_hash_table_iter_next(&iter, &user, NULL)) {
    gint64 id = GPOINTER_TO_INT(user);
    if (!g_hash_table_contains(after, user))
      g_array_append_val(lost, id);
  }
  if (lost->len == 0)
    return TRUE;
  g_autofree char *names = name_users(transaction, lost, error);
  if (names != NULL)
    error_set(error, CCH_ERROR_BATCH_LAST_KEY, "%s", names);
  return FALSE;
}

/* A user's group is the union of its keys' groups. */
static gboolean
sync_groups(BatchTransaction *transaction, const char *owners, GError **error)
{
  g_autoptr(GPtrArray) fields = g_ptr_array_new();
  const BatchField *group = batch_field_by_column(BATCH_USERS, "provider_group");
  g_ptr_array_add(fields, (gpointer)group);
  g_autoptr(BatchRows) users = batch_rows_lock(transaction->connection, BATCH_USERS, fields, owners, TRUE, error);
  g_autoptr(PgResult) groups =
      users != NULL ? pg_connection_query(transaction->connection, error, batch_key_groups_sql, 1, owners) : NULL;
  if (groups == NULL)
    return FALSE;
  for (guint i = 0; i < users->rows->len; i++) {
    BatchRow *user = users->rows->pdata[i];
    g_autoptr(GPtrArray) lists = g_ptr_array_new();
    for (guint k = 0; k < pg_result_rows(groups); k++)
      if (pg_result_int64(groups, k, 0) == user->id)
        g_ptr_array_add(lists, (gpointer)pg_result_text(groups, k, 1));
    g_ptr_array_add(lists, NULL);
    g_autofree char *joined = batch_group_join((const char *const *)lists->pdata);
    if (g_utf8_strlen(joined, -1) > group->highest) {
      error_set(error, CCH_ERROR_BATCH_GROUP_TOO_LONG, "%s (%" G_GINT64_FORMAT ")", user->label, user->id);
      return FALSE;
    }
    batch_row_set(user, 0, joined);
  }
  return batch_transaction_write(transaction, users, error);
}

gboolean
batch_keys_write(BatchTransaction *transaction, BatchRows *keys, GError **error)
{
  g_autofree char *owners = owners_value(keys);
  g_autoptr(GHashTable) usable = users_with_usable_keys(transaction, owners, error);
  return usable != NULL && batch_transaction_write(transaction, keys, error) &&
         check_usable_keys(transaction, usable, owners, error) &&
         (!g_ptr_array_find(keys->fields, batch_field_find(BATCH_KEYS, "providerGroup"), NULL) ||
          sync_groups(transaction, owners, error));
}
