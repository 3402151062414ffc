/* Which statements a session has prepared. */
#include "pg/connection/connection_private.h"

#include "pg/connection/sqlstate.h"

enum {
  MAX_STATEMENTS = 64, /* a plan takes tens of kilobytes in the server */
  NAME_BYTES = 32
};

struct PgPrepared {
  GHashTable *names;    /* SQL → name; "" if it was used once */
  guint last_number;    /* names are never used again */
  gboolean is_outdated; /* the server has statements that are not in `names` */
};

PgPrepared *
pg_prepared_new(void)
{
  PgPrepared *prepared = g_new0(PgPrepared, 1);
  prepared->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  return prepared;
}

void
pg_prepared_free(PgPrepared *prepared)
{
  g_hash_table_unref(prepared->names);
  g_free(prepared);
}

PgPreparedUse
pg_prepared_find(PgPrepared *prepared, const char *sql, char *ret_name)
{
  const char *name = g_hash_table_lookup(prepared->names, sql);
  if (name == NULL) {
    if (g_hash_table_size(prepared->names) >= MAX_STATEMENTS)
      pg_prepared_forget(prepared);
    g_hash_table_insert(prepared->names, g_strdup(sql), g_strdup(""));
    return PG_UNPREPARED;
  }
  if (*name == '\0') {
    g_snprintf(ret_name, NAME_BYTES, "cch_%u", ++prepared->last_number);
    return PG_PREPARE;
  }
  g_strlcpy(ret_name, name, NAME_BYTES);
  return PG_PREPARED;
}

void
pg_prepared_note(PgPrepared *prepared, const char *sql, const char *name)
{
  g_hash_table_insert(prepared->names, g_strdup(sql), g_strdup(name));
}

void
pg_prepared_forget(PgPrepared *prepared)
{
  g_hash_table_remove_all(prepared->names);
  prepared->is_outdated = TRUE;
}

gboolean
pg_prepared_take_outdated(PgPrepared *prepared)
{
  gboolean is_outdated = prepared->is_outdated;
  prepared->is_outdated = FALSE;
  return is_outdated;
}

gboolean
pg_prepared_is_outdated(const GError *failure)
{
  /* "cached plan must not change result type": a column that it returns has another type now. */
  return (error_has_sqlstate(failure, SQLSTATE_FEATURE_NOT_SUPPORTED) &&
          g_strcmp0(error_source_function(failure), "RevalidateCachedQuery") == 0) ||
         /* A parameter has the type that a column had. */
         error_has_sqlstate(failure, SQLSTATE_UNDEFINED_FUNCTION) ||
         error_has_sqlstate(failure, SQLSTATE_DATATYPE_MISMATCH);
}
