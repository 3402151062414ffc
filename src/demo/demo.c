#include "demo/demo.h"

#include "base/error.h"
#include "demo_sql.h"
#include "pg/connection/sqlstate.h"

#define BATCH_ROWS 50000

/* A table and the view that generates its rows. The number of rows is needed if the view numbers them itself. */
typedef struct {
  const char *view;
  const char *table;
  guint n_rows;          /* ids to reserve; 0: the table numbers them */
  gboolean is_optional;  /* a table that not every version of the hub has */
  gboolean may_be_there; /* rows that exist already with the same data are kept */
} DemoTable;

/* Parents before children. */
static const DemoTable tables[] = {
    {.view = "demo_vendors", .table = "provider_vendors", .may_be_there = TRUE},
    {.view = "demo_providers", .table = "providers", .n_rows = 24},
    {.view = "demo_users", .table = "users", .n_rows = 60},
    {.view = "demo_keys", .table = "keys", .n_rows = 180},
    {.view = "demo_prices", .table = "model_prices"},
    {.view = "demo_settings", .table = "system_settings"},
    {.view = "demo_audit", .table = "audit_log", .is_optional = TRUE},
};

static const DemoTable requests = {.view = "demo_requests", .table = "message_request"};

static gboolean
make_views(PgConnection *connection, GError **error)
{
  const char *const files[] = {demo_functions_sql, demo_vendors_sql, demo_providers_sql,
                               demo_users_sql,     demo_keys_sql,    demo_prices_sql,
                               demo_settings_sql,  demo_audit_sql,   demo_requests_sql};
  for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
    if (!pg_connection_exec(connection, files[i], error))
      return FALSE;
  return TRUE;
}

/* Settings that the views read by current_setting('cch_demo.…'). */
static gboolean
set_setting(PgConnection *connection, const char *name, guint64 value, GError **error)
{
  g_autofree char *setting = g_strdup_printf("cch_demo.%s", name);
  g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);
  g_autoptr(PgResult) result =
      pg_connection_query(connection, error, "SELECT set_config($1, $2, false)", 2, setting, text);
  return result != NULL;
}

/* Takes unused ids from the table's sequence; the one before them becomes the setting <name>_base. */
static gboolean
reserve_ids(PgConnection *connection, const char *table, const char *name, guint64 n_rows, GError **error)
{
  g_autofree char *query = g_strdup_printf(
      "SELECT GREATEST(nextval(pg_get_serial_sequence('public.%s', 'id')) - 1, max(id)) FROM public.%s", table, table);
  g_autofree char *base_text = NULL;
  if (!pg_connection_value(connection, &base_text, error, query, 0))
    return FALSE;
  if (base_text == NULL) {
    error_set(error, CCH_ERROR_DATABASE_QUERY, "public.%s: its id has no sequence", table);
    return FALSE;
  }
  guint64 base = g_ascii_strtoull(base_text, NULL, 10);
  g_autofree char *setting = g_strdup_printf("%s_base", name);
  return set_setting(connection, setting, base, error) &&
         pg_connection_execf(connection, error,
                             "SELECT setval(pg_get_serial_sequence('public.%s', 'id'), %" G_GUINT64_FORMAT ")", table,
                             MAX(base + n_rows, 1));
}

/* The INSERT of the columns that both sides have; NULL without an error if the table does not exist and is optional. */
static char *
make_insert(PgConnection *connection, const DemoTable *table, GError **error)
{
  g_autofree char *columns = NULL;
  if (!pg_connection_value(connection, &columns, error, demo_columns_sql, 2, table->view, table->table))
    return NULL;
  if (columns == NULL) {
    if (!table->is_optional)
      error_set(error, CCH_ERROR_DATABASE_QUERY, "there is no table public.%s: migrate the database first",
                table->table);
    return NULL;
  }
  return g_strdup_printf("INSERT INTO public.%s (%s) SELECT %s FROM pg_temp.%s%s", table->table, columns, columns,
                         table->view, table->may_be_there ? " ON CONFLICT DO NOTHING" : "");
}

static gboolean
fill_table(PgConnection *connection, const DemoTable *table, GError **error)
{
  if (table->n_rows > 0 && !reserve_ids(connection, table->table, table->table, table->n_rows, error))
    return FALSE;
  g_autoptr(GError) failure = NULL;
  g_autofree char *insert = make_insert(connection, table, &failure);
  if (failure != NULL) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  if (insert == NULL || pg_connection_exec(connection, insert, error))
    return TRUE;
  g_prefix_error(error, "fill public.%s: ", table->table);
  return FALSE;
}

static gboolean
check_empty(PgConnection *connection, const DemoOptions *options, GError **error)
{
  g_autofree char *user = NULL;
  if (!pg_connection_value(connection, &user, error, "SELECT 1 FROM public.users LIMIT 1", 0)) {
    if (error != NULL && error_has_sqlstate(*error, SQLSTATE_UNDEFINED_TABLE))
      g_prefix_error(error, "migrate the database first: ");
    return FALSE;
  }
  if (user == NULL || options->add_to_data)
    return TRUE;
  error_set(error, CCH_ERROR_DEMO_NOT_EMPTY, "table public.users is not empty");
  return FALSE;
}

static gboolean
fill_base(PgConnection *connection, const DemoOptions *options, GError **error)
{
  if (!check_empty(connection, options, error) || !set_setting(connection, "seed", options->seed, error) ||
      !set_setting(connection, "total", MAX(options->n_requests, 1), error) || !make_views(connection, error))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS(tables); i++)
    if (!fill_table(connection, &tables[i], error))
      return FALSE;
  return reserve_ids(connection, requests.table, "requests", options->n_requests, error);
}

static gboolean
fill_batch(PgConnection *connection, const char *insert, guint64 first, guint64 last, GError **error)
{
  return set_setting(connection, "first", first, error) && set_setting(connection, "last", last, error) &&
         pg_connection_exec(connection, insert, error);
}

static gboolean
fill_requests(PgConnection *connection, guint64 n_requests, DemoProgressFunc progress, gpointer user_data,
              GError **error)
{
  g_autofree char *insert = make_insert(connection, &requests, error);
  if (insert == NULL)
    return FALSE;
  for (guint64 done = 0; done < n_requests; done = MIN(done + BATCH_ROWS, n_requests)) {
    if (progress != NULL)
      progress(done, n_requests, user_data);
    if (!fill_batch(connection, insert, done + 1, MIN(done + BATCH_ROWS, n_requests), error)) {
      g_prefix_error(error, "fill public.message_request: ");
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
drop_indexes(PgConnection *connection, const PgResult *indexes, GError **error)
{
  for (guint row = 0; row < pg_result_rows(indexes); row++)
    if (!pg_connection_execf(connection, error, "DROP INDEX %s", pg_result_text(indexes, row, 0)))
      return FALSE;
  return TRUE;
}

static gboolean
make_indexes(PgConnection *connection, const PgResult *indexes, GError **error)
{
  if (!pg_connection_exec(connection, "SET LOCAL maintenance_work_mem = '128MB'", error))
    return FALSE;
  for (guint row = 0; row < pg_result_rows(indexes); row++)
    if (!pg_connection_exec(connection, pg_result_text(indexes, row, 1), error))
      return FALSE;
  return TRUE;
}

static gboolean
fill(PgConnection *connection, const DemoOptions *options, DemoProgressFunc progress, gpointer user_data,
     GError **error)
{
  if (!fill_base(connection, options, error))
    return FALSE;
  g_autoptr(PgResult) indexes = pg_connection_query(connection, error, demo_indexes_sql, 0);
  return indexes != NULL && drop_indexes(connection, indexes, error) &&
         fill_requests(connection, options->n_requests, progress, user_data, error) &&
         make_indexes(connection, indexes, error);
}

gboolean
demo_fill(PgConnection *connection, const DemoOptions *options, DemoProgressFunc progress, gpointer user_data,
          GError **error)
{
  g_return_val_if_fail(options->n_requests <= DEMO_MAX_REQUESTS && options->seed <= DEMO_MAX_SEED, FALSE);
  if (!pg_connection_exec(connection, "BEGIN", error))
    return FALSE;
  if (!fill(connection, options, progress, user_data, error) || !pg_connection_exec(connection, "COMMIT", error)) {
    pg_connection_rollback(connection);
    return FALSE;
  }
  if (progress != NULL)
    progress(options->n_requests, options->n_requests, user_data);
  return TRUE;
}
