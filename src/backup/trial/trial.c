#include "backup/trial/trial.h"

#include "backup/import/manifest_match.h"
#include "backup/load/load.h"
#include "backup/plan/entry_sql.h"
#include "backup/restore/restore.h"
#include "backup/side/janitor.h"
#include "backup/side/side_database.h"
#include "backup/swap/shadow.h"
#include "backup/swap/swap_choice.h"
#include "base/error.h"

#define CONNECTION_NAME "cch-data trial"

enum { BUFFER_BYTES = 256 * 1024, MAX_NAMED = 5 };

typedef struct {
  ArchiveReader *reader;
  const TrialOptions *options;
  BackupProgress *progress;
  GCancellable *cancellable;
} Trial;

static RestorePlan *
make_plan(const Trial *trial, PgConnection *live, GError **error)
{
  RestorePlanOptions options = {.server_version = pg_connection_server_version(live)};
  g_autoptr(RestorePlan) plan = restore_plan_new(trial->reader, &options, error);
  g_autofree char *beyond = plan != NULL ? restore_plan_beyond_server(plan, options.server_version) : NULL;
  if (beyond != NULL)
    error_set(error, CCH_ERROR_IMPORT_INCOMPATIBLE, "the server is PostgreSQL %d and cannot have: %s",
              options.server_version / 10000, beyond);
  return beyond == NULL ? g_steal_pointer(&plan) : NULL;
}

/* Names of tables are the archive's, in its encoding. */
static gboolean
check_space(const Trial *trial, const RestorePlan *plan, GError **error)
{
  guint64 bytes = 0;
  gboolean is_known = FALSE;
  g_autoptr(PgConnection) names = pg_connection_open(trial->options->dsn, CONNECTION_NAME, trial->cancellable, error);
  return names != NULL && restore_speak_archive(names, trial->reader, error) &&
         swap_choice_check_space(names, plan, trial->reader, trial->cancellable, &bytes, &is_known, error);
}

static Shadow *
make_shadow(const Trial *trial, PgConnection *live, GError **error)
{
  const TrialOptions *options = trial->options;
  g_autoptr(PgConnection) maintenance = side_database_maintenance_open(live, options->dsn, trial->cancellable, error);
  if (maintenance == NULL)
    return NULL;
  return shadow_create(SHADOW_FOR_TRIAL, live, maintenance, options->dsn, options->holder,
                       backup_progress_language(trial->progress), trial->cancellable, error);
}

/* "COPY schema.table (columns) TO STDOUT", with the archive's columns in its order. */
static char *
read_statement(const TocEntry *entry, GError **error)
{
  g_auto(GStrv) columns = NULL;
  if (!entry_copy_columns(entry, &columns, error))
    return NULL;
  g_autofree char *table = pg_quote_qualified(entry->namespace_name, entry->tag);
  g_autoptr(GString) sql = g_string_new("COPY ");
  g_string_append(sql, table);
  for (char **column = columns; *column != NULL; column++) {
    g_autofree char *quoted = pg_quote_identifier(*column);
    g_string_append_printf(sql, "%s%s", column == columns ? " (" : ", ", quoted);
  }
  g_string_append(sql, *columns != NULL ? ") TO STDOUT" : " TO STDOUT");
  return g_string_free(g_steal_pointer(&sql), FALSE);
}

static gboolean
read_totals(PgConnection *connection, const TocEntry *entry, guint8 *buffer, RowTotals *ret_totals, GError **error)
{
  g_autofree char *sql = read_statement(entry, error);
  if (sql == NULL || !pg_connection_copy_out_begin(connection, sql, error))
    return FALSE;
  g_autoptr(RowHash) hash = row_hash_new();
  gssize n;
  while ((n = pg_connection_copy_out_read(connection, buffer, BUFFER_BYTES, error)) > 0)
    row_hash_push(hash, buffer, (gsize)n);
  *ret_totals = row_hash_take(hash);
  return n == 0;
}

/* The formats of an export's sessions, and the time zone in which the manifest's rows were read. */
static gboolean
speak_as_export(const Trial *trial, PgConnection *connection, GError **error)
{
  const char *zone = trial->options->manifest->time_zone;
  g_autofree char *quoted = pg_quote_literal(zone != NULL ? zone : "");
  return restore_speak_archive(connection, trial->reader, error) &&
         pg_connection_exec(connection,
                            "SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET extra_float_digits = 3;"
                            "SET bytea_output = 'hex'; SET statement_timeout = 0; SET row_security = off",
                            error) &&
         (zone == NULL || pg_connection_execf(connection, error, "SET timezone = %s", quoted));
}

static gboolean
compare_tables(const Trial *trial, PgConnection *connection, TrialResult *result, GError **error)
{
  g_autofree guint8 *buffer = g_malloc(BUFFER_BYTES);
  g_autoptr(GString) differences = g_string_new(NULL);
  guint n_different = 0;
  for (guint i = 0; i < archive_reader_n_entries(trial->reader); i++) {
    const TocEntry *entry = archive_reader_entry(trial->reader, i);
    const ManifestTable *table = toc_entry_is(entry, TOC_KIND_TABLE_DATA) &&
                                         g_strcmp0(entry->namespace_name, OWN_SCHEMA) != 0 &&
                                         archive_reader_data_info(trial->reader, entry)->is_present
                                     ? manifest_find_entry(trial->options->manifest, entry)
                                     : NULL;
    if (table == NULL)
      continue;
    RowTotals found;
    if (!read_totals(connection, entry, buffer, &found, error)) {
      g_autofree char *name = entry_display_name(entry);
      g_prefix_error(error, "read %s: ", name);
      return FALSE;
    }
    result->n_tables++;
    result->rows += found.rows;
    if (row_totals_equal(&found, &table->totals) || ++n_different > MAX_NAMED)
      continue;
    g_autofree char *name = entry_display_name(entry);
    g_string_append_printf(differences, "%s%s (%" G_GUINT64_FORMAT " rows, %" G_GUINT64_FORMAT " in the manifest)",
                           differences->len > 0 ? ", " : "", name, found.rows, table->totals.rows);
  }
  if (n_different == 0)
    return TRUE;
  error_set(error, CCH_ERROR_MANIFEST_MISMATCH, "the restored rows differ in %u tables: %s", n_different,
            differences->str);
  return FALSE;
}

static gboolean
load_and_compare(const Trial *trial, const RestorePlan *plan, const Shadow *shadow, TrialResult *result, GError **error)
{
  const LoadOptions load = {.dsn = shadow->dsn, .jobs = trial->options->jobs, .hash_rows = TRUE};
  gint64 start_us = g_get_monotonic_time();
  g_autoptr(LoadResult) loaded = backup_load(trial->reader, plan, &load, trial->progress, trial->cancellable, error);
  if (loaded == NULL)
    return FALSE;
  result->load_ms = (g_get_monotonic_time() - start_us) / 1000;
  if (!manifest_match_loaded(trial->options->manifest, trial->reader, loaded, error))
    return FALSE;
  g_autoptr(PgConnection) connection = pg_connection_open(shadow->dsn, CONNECTION_NAME, trial->cancellable, error);
  return connection != NULL && speak_as_export(trial, connection, error) &&
         compare_tables(trial, connection, result, error);
}

gboolean
backup_trial_run(ArchiveReader *reader, const TrialOptions *options, BackupProgress *progress, TrialResult *ret_result,
                 GCancellable *cancellable, GError **error)
{
  const Trial trial = {reader, options, progress, cancellable};
  TrialResult result = {0};
  if (!archive_reader_scan(reader, cancellable, error))
    return FALSE;
  database_janitor_sweep(options->dsn, cancellable, NULL);
  g_autoptr(PgConnection) live = pg_connection_open(options->dsn, CONNECTION_NAME, cancellable, error);
  g_autoptr(RestorePlan) plan = live != NULL ? make_plan(&trial, live, error) : NULL;
  if (plan == NULL || !check_space(&trial, plan, error))
    return FALSE;
  g_autoptr(Shadow) shadow = make_shadow(&trial, live, error);
  g_clear_pointer(&live, pg_connection_free);
  if (shadow == NULL)
    return FALSE;
  gboolean is_equal = load_and_compare(&trial, plan, shadow, &result, error);
  shadow_discard(shadow, options->dsn);
  if (is_equal)
    *ret_result = result;
  return is_equal;
}
