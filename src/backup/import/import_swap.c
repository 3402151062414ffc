#include "backup/import/import_swap.h"

#include "backup/import/collations.h"
#include "backup/import/manifest_match.h"
#include "backup/load/load.h"
#include "backup/restore/overwrite.h"
#include "backup/restore/restore.h"
#include "backup/side/janitor.h"
#include "backup/side/own_state.h"
#include "backup/side/side_database.h"
#include "backup/statistics/statistics.h"
#include "backup/swap/shadow.h"
#include "backup/swap/swap.h"
#include "backup/swap/swap_choice.h"
#include "base/error.h"
#include "base/os/processors.h"
#include "pg/migrate/migrate.h"

#define CONNECTION_NAME "cch-data import"

enum { MAX_JOBS = 8 };

static guint
n_jobs(void)
{
  return MIN(processors_usable(), MAX_JOBS);
}

static gboolean
refuse_swap(const char *reason, GError **error)
{
  error_set(error, CCH_ERROR_IMPORT_SWAP_IMPOSSIBLE, "%s", reason);
  return FALSE;
}

/* Only finds the blocks; the load reads them. */
static gboolean
scan_archive(ImportRun *run, GError **error)
{
  backup_progress_phase(run->progress, BACKUP_PHASE_CHECK);
  backup_progress_say(run->progress, TEXT_IMPORT_CHECKING);
  if (!archive_reader_scan(run->reader, run->cancellable, error))
    return FALSE;
  guint tables = 0;
  for (guint i = 0; i < archive_reader_n_entries(run->reader); i++) {
    const TocEntry *entry = archive_reader_entry(run->reader, i);
    tables += toc_entry_is(entry, TOC_KIND_TABLE_DATA) && archive_reader_data_info(run->reader, entry)->is_present;
  }
  backup_progress_say(run->progress, TEXT_IMPORT_SCANNED, tables);
  return TRUE;
}

/* The shadow is recorded before it is created, so our schema must exist. */
static gboolean
prepare_records(ImportRun *run, PgConnection *live, GError **error)
{
  gboolean can = FALSE;
  if (run->options->migrate && !pg_migrate_own(live, error))
    return FALSE;
  if (!side_database_can_record(live, &can, error))
    return FALSE;
  return can || refuse_swap(text_get(TEXT_SWAP_OWN_TABLES_MISSING, run->options->language), error);
}

/* Opens another connection to the live database for queries with names from the archive; it keeps the archive's
 * encoding. */
static PgConnection *
connect_for_names(ImportRun *run, GError **error)
{
  g_autoptr(PgConnection) names = pg_connection_open(run->options->dsn, CONNECTION_NAME, run->cancellable, error);
  if (names == NULL || !restore_speak_archive(names, run->reader, error))
    return NULL;
  return g_steal_pointer(&names);
}

static gboolean
check_choice(ImportRun *run, PgConnection *names, const RestorePlan *plan, GError **error)
{
  g_autofree char *reason = NULL;
  if (!swap_choice_reason(names, run->options->dsn, NULL, plan, run->options->language, &reason, error))
    return FALSE;
  return reason == NULL || refuse_swap(reason, error);
}

static gboolean
check_space(ImportRun *run, PgConnection *names, const RestorePlan *plan, GError **error)
{
  guint64 bytes = 0;
  gboolean is_known = FALSE;
  if (!swap_choice_check_space(names, plan, run->reader, run->cancellable, &bytes, &is_known, error))
    return FALSE;
  if (!is_known)
    backup_progress_say(run->progress, TEXT_SWAP_SPACE_UNKNOWN, (double)bytes / (1024 * 1024));
  return TRUE;
}

static Shadow *
make_shadow(ImportRun *run, PgConnection *live, GError **error)
{
  const BackupImportOptions *options = run->options;
  g_autoptr(PgConnection) maintenance = side_database_maintenance_open(live, options->dsn, run->cancellable, error);
  if (maintenance == NULL)
    return NULL;
  return shadow_create(SHADOW_FOR_SWAP, live, maintenance, options->dsn, options->holder, options->language,
                       run->cancellable, error);
}

/* Creates our own schema, which is never in an archive. */
static gboolean
prepare_own_schema(ImportRun *run, PgConnection *live, const Shadow *shadow, GError **error)
{
  g_autoptr(PgConnection) connection = pg_connection_open(shadow->dsn, CONNECTION_NAME, run->cancellable, error);
  g_autofree char *unknown = NULL;
  if (connection == NULL || !pg_migrate_own(connection, error) ||
      !own_state_find_unknown(live, connection, &unknown, error))
    return FALSE;
  if (unknown == NULL)
    return TRUE;
  g_autofree char *reason = text_format(TEXT_SWAP_OWN_STATE, run->options->language, unknown);
  return refuse_swap(reason, error);
}

/* The new indexes are built by the new rules, and the new database has its collations' old versions from template0.
 * What cannot be found out, such as the version of a collation that the system has lost, fails no import; therefore
 * call it outside of a transaction. */
static void
record_collations(ImportRun *run, PgConnection *filled)
{
  g_autofree char *caution = NULL;
  if (collations_record_new(filled, run->options->language, &caution, NULL) && caution != NULL)
    backup_progress_caution(run->progress, TEXT_COLLATION_HINT, caution);
}

/* Copies the contents of cch_data, as late as possible, then does what ends an import in one transaction. One
 * transaction. */
static gboolean
finish_contents(ImportRun *run, const Shadow *shadow, const RestorePlan *plan, guint64 rows, const char *outgoing,
                GError **error)
{
  const BackupImportOptions *options = run->options;
  g_autoptr(PgConnection) live = pg_connection_open(options->dsn, CONNECTION_NAME, run->cancellable, error);
  g_autoptr(PgConnection) filled =
      live != NULL ? pg_connection_open(shadow->dsn, CONNECTION_NAME, run->cancellable, error) : NULL;
  if (filled == NULL)
    return FALSE;
  SideSwap swap = {.live_oid = shadow->live_oid,
                   .incoming = shadow->name,
                   .incoming_oid = shadow->oid,
                   .outgoing = outgoing,
                   .made_by = options->holder,
                   .reason = "import",
                   .keep_s = options->keep_s};
  record_collations(run, filled);
  return pg_connection_exec(filled, "BEGIN", error) && own_state_copy(live, filled, error) &&
         side_database_record_swap(filled, &swap, error) && statistics_record_owed(filled, error) &&
         import_run_migrate(run, filled, error) &&
         import_run_audit(run, filled, plan, BACKUP_METHOD_SWAP, rows, error) &&
         pg_connection_exec(filled, "SET LOCAL synchronous_commit = on; COMMIT", error);
}

static gboolean
open_to_others(ImportRun *run, const Shadow *shadow, GError **error)
{
  g_autoptr(PgConnection) live = pg_connection_open(run->options->dsn, CONNECTION_NAME, run->cancellable, error);
  g_autoptr(PgConnection) maintenance =
      live != NULL ? side_database_maintenance_open(live, run->options->dsn, run->cancellable, error) : NULL;
  return maintenance != NULL && shadow_open_to_others(shadow, maintenance, error);
}

static gboolean
swap_databases(ImportRun *run, const Shadow *shadow, const char *outgoing, GError **error)
{
  SideSwap record = {.incoming_oid = shadow->oid, .reason = "import", .keep_s = run->options->keep_s};
  g_autofree char *comment = side_database_comment(shadow->live_name, &record);
  SwapOptions options = {.dsn = run->options->dsn,
                         .live = shadow->live_name,
                         .live_oid = shadow->live_oid,
                         .incoming = shadow->name,
                         .incoming_oid = shadow->oid,
                         .outgoing = outgoing,
                         .outgoing_comment = comment,
                         .wait_s = run->options->lock_wait_s};
  backup_progress_phase(run->progress, BACKUP_PHASE_SWAP);
  backup_progress_say(run->progress, TEXT_SWAP_SWAPPING);
  return backup_swap(&options, run->lock, run->progress, run->cancellable, error);
}

/* The server may reject rows of a damaged block before the damage is found. The damage is then the cause, if it is in
 * what has arrived. */
static void
name_damage(ImportRun *run, GError **failure)
{
  g_autoptr(GError) damage = NULL;
  archive_reader_stop_waiting(run->reader);
  if (*error_sqlstate(*failure) == '\0' || g_cancellable_is_cancelled(run->cancellable) ||
      archive_reader_check(run->reader, NULL, NULL, run->cancellable, &damage) ||
      error_code(damage) == CCH_ERROR_CANCELLED || error_code(damage) == CCH_ERROR_UPLOAD_INCOMPLETE)
    return;
  g_clear_error(failure);
  *failure = g_steal_pointer(&damage);
}

static gboolean
load_shadow(ImportRun *run, const Shadow *shadow, const RestorePlan *plan, guint64 *ret_rows, GError **error)
{
  g_autoptr(GError) failure = NULL;
  const Manifest *manifest = run->options->manifest;
  LoadOptions load = {.dsn = shadow->dsn, .jobs = n_jobs(), .hash_rows = manifest != NULL};
  g_autoptr(LoadResult) result = backup_load(run->reader, plan, &load, run->progress, run->cancellable, &failure);
  if (result == NULL) {
    name_damage(run, &failure);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  if (manifest != NULL) {
    if (!manifest_match_loaded(manifest, run->reader, result, error))
      return FALSE;
    backup_progress_say(run->progress, TEXT_IMPORT_MATCHES_MANIFEST);
  }
  *ret_rows = 0;
  for (guint i = 0; i < result->tables->len; i++)
    *ret_rows += g_array_index(result->tables, LoadedTable, i).totals.rows;
  return TRUE;
}

static gboolean
analyze_shadow(ImportRun *run, const Shadow *shadow, GError **error)
{
  backup_progress_say(run->progress, TEXT_SWAP_ANALYZING);
  return statistics_collect_coarse(shadow->dsn, run->cancellable, error);
}

/* What could not be checked before the load, because the file was still arriving: its end, and what the load did not
 * read. */
static gboolean
await_archive(ImportRun *run, GError **error)
{
  if (!archive_reader_is_arriving(run->reader))
    return TRUE;
  backup_progress_say(run->progress, TEXT_IMPORT_UPLOAD_REST);
  if (!archive_reader_await_end(run->reader, run->cancellable, error))
    return FALSE;
  if (archive_reader_padding(run->reader) > 0)
    backup_progress_warn(run->progress, TEXT_ARCHIVE_PADDED, archive_reader_padding(run->reader));
  backup_progress_say(run->progress, TEXT_IMPORT_UPLOAD_WHOLE);
  return TRUE;
}

gboolean
import_by_swap(ImportRun *run, GError **error)
{
  const char *dsn = run->options->dsn;
  g_autoptr(PgConnection) live = NULL, names = NULL;
  g_autoptr(RestorePlan) plan = NULL;
  g_autoptr(Shadow) shadow = NULL;
  g_autofree char *outgoing = NULL;
  g_autoptr(GError) failure = NULL;
  guint64 rows = 0;

  /* 1. Whether a swap is possible and there is room for it. */
  gboolean ok =
      scan_archive(run, &failure) && (live = import_run_connect(run, &failure)) != NULL &&
      prepare_records(run, live, &failure) && (plan = import_run_plan(run, live, &failure)) != NULL &&
      (names = connect_for_names(run, &failure)) != NULL && check_choice(run, names, plan, &failure) &&
      overwrite_check_losses(names, run->reader, plan, run->options->allow_incomplete, run->progress, &failure) &&
      check_space(run, names, plan, &failure);

  /* 2. The shadow database, with the live one's properties and our own schema. */
  if (ok) {
    backup_progress_phase(run->progress, BACKUP_PHASE_CONNECT);
    shadow = make_shadow(run, live, &failure);
    ok = shadow != NULL && prepare_own_schema(run, live, shadow, &failure);
  }
  if (ok) {
    backup_progress_say(run->progress, TEXT_SWAP_SHADOW, shadow->name);
    outgoing = side_database_name_new(shadow->live_name, SIDE_KEPT);
    ok = overwrite_tell_losses(names, run->reader, plan, run->progress, &failure);
  }
  g_clear_pointer(&names, pg_connection_free);
  g_clear_pointer(&live, pg_connection_free);

  /* 3. The archive's contents and coarse statistics; the live database stays in use. */
  ok = ok && load_shadow(run, shadow, plan, &rows, &failure) && analyze_shadow(run, shadow, &failure) &&
       await_archive(run, &failure);

  /* 4. The contents of cch_data, migrations, the audit row; then grants and the connection limit. */
  ok = ok && finish_contents(run, shadow, plan, rows, outgoing, &failure) && open_to_others(run, shadow, &failure);

  /* 5. The swap. After its commit the shadow is the live database. We hold no connection to either. */
  gboolean is_swapping = ok;
  ok = ok && swap_databases(run, shadow, outgoing, &failure);

  /* 6. Clean-up: after a failure the shadow is dropped, otherwise the kept databases that are not needed. */
  if (!ok) {
    gboolean may_be_live = is_swapping && error_code(failure) == CCH_ERROR_IMPORT_OUTCOME_UNKNOWN;
    if (shadow != NULL && !may_be_live)
      shadow_discard(shadow, dsn);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  if (run->options->keep_s > 0)
    backup_progress_say(run->progress, TEXT_SWAP_KEPT, outgoing, run->options->keep_s / 3600.0);
  if (backup_lock_backend_pid(run->lock) != 0)
    database_janitor_sweep(dsn, NULL, NULL); /* what cannot be dropped now is dropped by the next sweep */
  run->is_swapped = TRUE;
  return TRUE;
}
