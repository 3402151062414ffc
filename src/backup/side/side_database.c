#include "backup/side/side_database.h"

#include "backup_sql.h"
#include "base/error.h"
#include "base/random_id.h"
#include "base/wait.h"
#include "pg/dsn/dsn.h"

#include <string.h>

enum {
  NAME_MAX_BYTES = 63,
  RANDOM_DIGITS = 16,
  MARK_BYTES = 9 /* "_cch_new_" */,
  PROBE_TIMEOUT_MS = 3000,
  CREATION_END_MS = 10000,
  CREATION_PAUSE_MS = 50
};

static const char *
mark_of(const char *kind)
{
  return strcmp(kind, SIDE_SHADOW) == 0 ? "_cch_new_" : "_cch_old_";
}

char *
side_database_name_new(const char *live, const char *kind)
{
  g_autofree char *random = random_id_new(RANDOM_DIGITS / 2);
  gsize length = MIN(strlen(live), (gsize)(NAME_MAX_BYTES - MARK_BYTES - RANDOM_DIGITS));
  while (length > 0 && ((guchar)live[length] & 0xC0) == 0x80) /* the next byte continues a character */
    length--;
  return g_strdup_printf("%.*s%s%s", (int)length, live, mark_of(kind), random);
}

gboolean
side_database_is_name(const char *name)
{
  gsize length = strlen(name);
  if (length < MARK_BYTES + RANDOM_DIGITS)
    return FALSE;
  const char *digits = name + length - RANDOM_DIGITS;
  const char *mark = digits - MARK_BYTES;
  return strspn(digits, "0123456789abcdef") == RANDOM_DIGITS &&
         (strncmp(mark, mark_of(SIDE_SHADOW), MARK_BYTES) == 0 || strncmp(mark, mark_of(SIDE_KEPT), MARK_BYTES) == 0);
}

gboolean
side_database_oid(PgConnection *connection, const char *name, guint32 *ret_oid, GError **error)
{
  g_autofree char *oid = NULL;
  if (!pg_connection_value(connection, &oid, error, "SELECT oid FROM pg_catalog.pg_database WHERE datname = $1", 1,
                           name))
    return FALSE;
  *ret_oid = oid != NULL ? (guint32)g_ascii_strtoull(oid, NULL, 10) : 0;
  return TRUE;
}

gboolean
side_database_can_record(PgConnection *live, gboolean *ret_can, GError **error)
{
  g_autofree char *found = NULL;
  if (!pg_connection_value(live, &found, error, "SELECT pg_catalog.to_regclass('cch_data.databases')", 0))
    return FALSE;
  *ret_can = found != NULL;
  return TRUE;
}

char *
side_database_comment(const char *live, const SideSwap *swap)
{
  g_autoptr(GDateTime) made = g_date_time_new_now_utc();
  g_autoptr(GDateTime) expires = g_date_time_add_seconds(made, swap->keep_s);
  g_autofree char *made_text = g_date_time_format(made, "%Y-%m-%d %H:%M UTC");
  g_autofree char *expires_text = g_date_time_format(expires, "%Y-%m-%d %H:%M UTC");
  return g_strdup_printf("cch-data: what database %s was until %s; kept for undo until %s [%s %" G_GINT64_FORMAT
                         " %" G_GINT64_FORMAT " %u]",
                         live, made_text, expires_text, swap->reason, g_date_time_to_unix(made),
                         g_date_time_to_unix(expires), swap->incoming_oid);
}

void
side_database_find_lost(PgConnection *live)
{
  g_autoptr(PgResult) lost = pg_connection_query(live, NULL, backup_side_lost_sql, 0);
  for (guint row = 0; lost != NULL && row < pg_result_rows(lost); row++) {
    g_autoptr(PgResult) added = pg_connection_query(live, NULL, backup_side_record_sql, 5, pg_result_text(lost, row, 0),
                                                    pg_result_text(lost, row, 1), pg_result_text(lost, row, 2),
                                                    pg_result_text(lost, row, 3), pg_result_text(lost, row, 4));
  }
}

gboolean
side_database_record_swap(PgConnection *incoming, const SideSwap *swap, GError **error)
{
  g_autofree char *live_oid = g_strdup_printf("%u", swap->live_oid);
  g_autofree char *incoming_oid = g_strdup_printf("%u", swap->incoming_oid);
  g_autofree char *keep = g_strdup_printf("%u seconds", swap->keep_s);
  g_autoptr(PgResult) forgotten =
      pg_connection_query(incoming, error,
                          "DELETE FROM cch_data.databases WHERE kind <> '" SIDE_KEPT "' OR name = $1 "
                          "OR live_oid <> $2::pg_catalog.oid",
                          2, swap->incoming, live_oid);
  g_autoptr(PgResult) kept =
      forgotten != NULL
          ? pg_connection_query(incoming, error, "UPDATE cch_data.databases SET live_oid = $1::pg_catalog.oid", 1,
                                incoming_oid)
          : NULL;
  g_autoptr(PgResult) added =
      kept != NULL ? pg_connection_query(
                         incoming, error,
                         "INSERT INTO cch_data.databases (name, kind, live_oid, side_oid, made_by, reason, expires_at) "
                         "VALUES ($1, '" SIDE_KEPT "', $2::pg_catalog.oid, $3::pg_catalog.oid, $4, $5, "
                         "pg_catalog.now() + $6::pg_catalog.interval)",
                         6, swap->outgoing, incoming_oid, live_oid, swap->made_by, swap->reason, keep)
                   : NULL;
  return added != NULL;
}

/* DROP DATABASE waits a few seconds for sessions to end; since PostgreSQL 13, FORCE ends them. */
static gboolean
drop_database(PgConnection *maintenance, const char *name, GError **error)
{
  g_autofree char *quoted = pg_quote_identifier(name);
  if (pg_connection_server_version(maintenance) >= 130000)
    return pg_connection_execf(maintenance, error, "DROP DATABASE IF EXISTS %s WITH (FORCE)", quoted);
  g_autoptr(PgResult) ended = pg_connection_query(
      maintenance, error,
      "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = $1", 1, name);
  return ended != NULL && pg_connection_execf(maintenance, error, "DROP DATABASE IF EXISTS %s", quoted);
}

/* The server goes on with a CREATE DATABASE whose client has died. Ends it, and waits for its end. */
static gboolean
end_creation(PgConnection *maintenance, const char *name, GError **error)
{
  for (guint waited_ms = 0; waited_ms < CREATION_END_MS; waited_ms += CREATION_PAUSE_MS) {
    g_autoptr(PgResult) ended =
        pg_connection_query(maintenance, error,
                            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE "
                            "state = 'active' AND query LIKE 'CREATE DATABASE %' AND pg_catalog.strpos(query, $1) > 0",
                            1, name);
    if (ended == NULL)
      return FALSE;
    if (pg_result_rows(ended) == 0)
      return TRUE;
    if (!sleep_ms(CREATION_PAUSE_MS, NULL, error))
      return FALSE;
  }
  error_set(error, CCH_ERROR_DATABASE_LOCK_TIMEOUT, "database %s is still being created", name);
  return FALSE;
}

gboolean
side_database_drop(PgConnection *live, PgConnection *maintenance, const char *name, guint32 oid, GError **error)
{
  guint32 found = 0;
  if (!side_database_is_name(name)) {
    error_set(error, CCH_ERROR_INTERNAL, "%s is not the name of a database that cch-data made", name);
    return FALSE;
  }
  if ((oid == 0 && !end_creation(maintenance, name, error)) || !side_database_oid(maintenance, name, &found, error))
    return FALSE;
  if (found != 0 && (oid == 0 || oid == found) && !drop_database(maintenance, name, error)) {
    g_prefix_error(error, "drop database %s: ", name);
    return FALSE;
  }
  g_autoptr(PgResult) forgotten =
      pg_connection_query(live, error, "DELETE FROM cch_data.databases WHERE name = $1", 1, name);
  return forgotten != NULL;
}

/* Checks that both are sessions of one server: a DSN may name several servers, or a host name with several
 * addresses. */
static gboolean
is_same_server(PgConnection *live, PgConnection *maintenance, GError **error)
{
  g_autoptr(PgResult) self = pg_connection_query(live, error,
                                                 "SELECT pid, backend_start FROM pg_catalog.pg_stat_activity "
                                                 "WHERE pid = pg_catalog.pg_backend_pid()",
                                                 0);
  if (self == NULL)
    return FALSE;
  g_autofree char *found = NULL;
  if (pg_result_rows(self) == 1 &&
      !pg_connection_value(maintenance, &found, error,
                           "SELECT pid FROM pg_catalog.pg_stat_activity WHERE pid = $1::pg_catalog.int4 "
                           "AND backend_start = $2::pg_catalog.timestamptz",
                           2, pg_result_text(self, 0, 0), pg_result_text(self, 0, 1)))
    return FALSE;
  if (found == NULL)
    error_set(error, CCH_ERROR_DATABASE_UNAVAILABLE, "the connection leads to another server");
  return found != NULL;
}

PgConnection *
side_database_maintenance_open(PgConnection *live, const char *dsn, GCancellable *cancellable, GError **error)
{
  static const char *const names[] = {"postgres", "template1"};
  g_autofree char *own = NULL;
  if (!pg_connection_value(live, &own, error, "SELECT pg_catalog.current_database()", 0))
    return NULL;
  g_autoptr(GError) failure = NULL;
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *other = strcmp(own, names[i]) != 0 ? dsn_with_database(dsn, names[i], error) : NULL;
    if (other == NULL)
      continue;
    g_clear_error(&failure);
    g_autoptr(PgConnection) connection = pg_connection_open(other, "cch-data import", cancellable, &failure);
    if (connection != NULL && is_same_server(live, connection, &failure))
      return g_steal_pointer(&connection);
  }
  g_propagate_error(error, g_steal_pointer(&failure));
  return NULL;
}

gboolean
side_database_maintenance_probe(PgConnection *live, const char *dsn, PgPool *pool, GError **error)
{
  g_autofree char *own = NULL;
  if (!pg_connection_value(live, &own, error, "SELECT pg_catalog.current_database()", 0))
    return FALSE;
  g_autoptr(PgConnection) beside = pool != NULL && strcmp(own, "postgres") != 0
                                       ? pg_pool_take_beside(pool, "cch-data status", PROBE_TIMEOUT_MS, NULL, NULL)
                                       : NULL;
  if (beside != NULL && is_same_server(live, beside, NULL))
    return TRUE;
  g_autoptr(PgConnection) opened = side_database_maintenance_open(live, dsn, NULL, error);
  return opened != NULL;
}
