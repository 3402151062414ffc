#include "schedule/run/steps.h"

#include "archive/read/survey.h"
#include "backup/import/manifest_match.h"
#include "backup/trial/trial.h"
#include "base/error.h"
#include "base/wait.h"
#include "lock/lock.h"
#include "schedule/run/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum {
  TRIAL_JOBS = 2,
  SURVEY_THREADS = 2,
  TRIAL_LOCK_WAIT_S = 3600,
  LOAD_WAIT_S = 600, /* the backup before it is part of the load average of its minute */
  LOAD_PAUSE_MS = 5000,
};

typedef struct {
  RunWork *work;
  GCancellable *cancellable;
  gboolean is_busy; /* it was cancelled because of the load */
} Trial;

/* `own`: processes of the drill that are part of the load. It is not read from /proc, which a service manager may hide.
 */
static gboolean
is_busy(const RunWork *work, guint own)
{
  struct sysinfo info;
  double limit = (double)work->config->drill_max_load / 100 * g_get_num_processors() + own;
  return work->config->drill_max_load > 0 && sysinfo(&info) == 0 &&
         (double)info.loads[0] / (1 << SI_LOAD_SHIFT) > limit;
}

static gboolean
wait_for_load(RunWork *work, guint seconds, GError **error)
{
  gint64 until_us = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
  while (is_busy(work, 0)) {
    run_work_progress(work, "load", 0, 0);
    if (g_get_monotonic_time() > until_us) {
      error_set(error, CCH_ERROR_BACKUP_BUSY, "the load average is above CCH_DATA_DRILL_MAX_LOAD");
      return FALSE;
    }
    if (!sleep_ms(LOAD_PAUSE_MS, work->cancellable, error))
      return FALSE;
  }
  return TRUE;
}

static void
show_trial(const BackupEvent *event, gpointer data)
{
  Trial *trial = data;
  run_work_progress(trial->work, "drill", event->bytes, event->bytes_total);
  if (is_busy(trial->work, 2 * TRIAL_JOBS)) {
    trial->is_busy = TRUE;
    g_cancellable_cancel(trial->cancellable);
  }
}

/* The lock keeps the janitor from dropping the new database, and other operations from competing with it. */
static BackupLock *
take_lock(RunWork *work, GCancellable *lost, GError **error)
{
  const BackupLockOptions options = {.dsn = pg_pool_dsn(work->pool),
                                     .redis_url = work->config->redis_url,
                                     .ttl_ms = (guint)work->config->lock_ttl_ms,
                                     .wait = {.seconds = TRIAL_LOCK_WAIT_S}};
  run_work_progress(work, "wait", 0, 0);
  return backup_lock_acquire(&options, "drill", work->run.asked_by, lost, NULL, error);
}

gboolean
prove_by_trial(RunWork *work, int fd, const Manifest *manifest, guint load_wait_s, gint64 *ret_load_ms, GError **error)
{
  const TrialOptions options = {
      .dsn = pg_pool_dsn(work->pool), .holder = work->run.asked_by, .manifest = manifest, .jobs = TRIAL_JOBS};
  TrialResult result = {0};
  g_auto(RunAttempt) attempt = run_attempt_begin(work);
  Trial trial = {.work = work, .cancellable = attempt.cancellable};
  g_autoptr(BackupLock) lock =
      wait_for_load(work, load_wait_s, error) ? take_lock(work, attempt.cancellable, error) : NULL;
  if (lock == NULL || !wait_for_load(work, 0, error)) /* the lock may have taken an hour */
    return FALSE;
  g_autoptr(ArchiveReader) reader = archive_reader_open(fd, error);
  g_autoptr(BackupProgress) progress = backup_progress_new(show_trial, &trial, LANGUAGE_EN);
  if (reader == NULL || !backup_trial_run(reader, &options, progress, &result, attempt.cancellable, error)) {
    if (error_code(*error) == CCH_ERROR_CANCELLED && (backup_lock_is_lost(lock) || trial.is_busy)) {
      g_clear_error(error);
      error_set(error, trial.is_busy ? CCH_ERROR_BACKUP_BUSY : CCH_ERROR_LOCK_LOST, "the drill was stopped");
    }
    return FALSE;
  }
  *ret_load_ms = result.load_ms;
  run_work_log(work, "restored",
               json_pack("{s:i, s:I, s:f}", "tables", (int)result.n_tables, "rows", (json_int_t)result.rows, "seconds",
                         (double)result.load_ms / 1000));
  return TRUE;
}

/* Every block, and the rows of each table. */
static gboolean
prove_by_reading(RunWork *work, int fd, const Manifest *manifest, GError **error)
{
  run_work_progress(work, "verify", 0, 0);
  g_autoptr(ArchiveReader) reader = archive_reader_open(fd, error);
  if (reader == NULL || !archive_reader_scan(reader, work->cancellable, error))
    return FALSE;
  g_autofree RowTotals *totals = g_new0(RowTotals, archive_reader_n_entries(reader));
  return archive_survey(reader, SURVEY_THREADS, totals, NULL, NULL, work->cancellable, error) &&
         manifest_match_tables(manifest, reader, totals, error);
}

static void
show_fetch(guint64 done_bytes, guint64 total_bytes, gpointer work)
{
  run_work_progress(work, "fetch", done_bytes, total_bytes);
}

static gboolean
read_records(RunWork *work, const CatalogBackup *backup, CatalogDestination **ret_destination, Manifest **ret_manifest,
             GError **error)
{
  g_autofree char *json = NULL;
  g_autoptr(PgConnection) connection = run_work_connect(work, error);
  if (connection == NULL || !catalog_read_manifest(connection, backup->id, &json, error))
    return FALSE;
  if (json == NULL) {
    error_set(error, CCH_ERROR_MANIFEST, "no manifest lies beside %s", backup->name);
    return FALSE;
  }
  *ret_manifest = manifest_from_json(json, strlen(json), error);
  *ret_destination = *ret_manifest != NULL ? catalog_find_destination(connection, backup->destination_id, error) : NULL;
  return *ret_destination != NULL;
}

static gboolean
prove_file(RunWork *work, const CatalogBackup *backup, gboolean is_drill, const char *identity, int fd,
           const char **ret_proof, gint64 *ret_recovery_ms, GError **error)
{
  g_autoptr(CatalogDestination) destination = NULL;
  g_autoptr(Manifest) manifest = NULL;
  if (!read_records(work, backup, &destination, &manifest, error))
    return FALSE;
  g_autoptr(Storage) storage = catalog_open_destination(destination, work->config->data_dir, error);
  const FetchOptions options = {.write = fetch_write_fd,
                                .target = &fd,
                                .identity = backup->is_encrypted ? identity : NULL,
                                .progress = show_fetch,
                                .data = work};
  g_autofree char *path = g_strconcat(backup->job_name, "/", backup->name, NULL);
  gint64 start_us = g_get_monotonic_time(), load_ms = 0;
  if (storage == NULL || !fetch_file(storage, path, backup->bytes, backup->sha256, &options, work->cancellable, error))
    return FALSE;
  gint64 fetch_ms = (g_get_monotonic_time() - start_us) / 1000;
  if (backup->is_encrypted && identity == NULL) {
    *ret_proof = "checksum";
    return TRUE;
  }
  *ret_proof = is_drill ? "drill" : "read";
  if (!is_drill)
    return prove_by_reading(work, fd, manifest, error);
  if (!prove_by_trial(work, fd, manifest, LOAD_WAIT_S, &load_ms, error))
    return FALSE;
  *ret_recovery_ms = fetch_ms + load_ms;
  return TRUE;
}

gboolean
prove_is_damage(const GError *problem)
{
  switch (error_code(problem)) {
  case CCH_ERROR_BACKUP_DAMAGED:
  case CCH_ERROR_STORAGE_DAMAGED:
  case CCH_ERROR_MANIFEST_MISMATCH:
  case CCH_ERROR_ARCHIVE_CORRUPT:
  case CCH_ERROR_ARCHIVE_FORMAT:
    return TRUE;
  default:
    return FALSE;
  }
}

static void
note_failure(RunWork *work, const CatalogBackup *backup, const GError *problem)
{
  g_autoptr(PgConnection) connection = run_work_connect(work, NULL);
  if (connection == NULL || error_code(problem) == CCH_ERROR_CANCELLED)
    return;
  if (prove_is_damage(problem))
    catalog_note_problem(connection, backup->id, "damaged", problem->message, NULL);
  else if (error_code(problem) == CCH_ERROR_STORAGE_MISSING)
    catalog_note_problem(connection, backup->id, "missing", problem->message, NULL);
}

gboolean
prove_backup(RunWork *work, const CatalogBackup *backup, gboolean is_drill, const char *identity,
             const char **ret_proof, gint64 *ret_recovery_ms, GError **error)
{
  if (is_drill && backup->is_encrypted && identity == NULL) {
    error_set(error, CCH_ERROR_AGE_NO_KEY, "%s is encrypted; a drill needs the secret key", backup->name);
    return FALSE;
  }
  g_autofree char *path = run_work_path(work, "fetched");
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    error_set_errno(error, errno, "create %s", path);
    return FALSE;
  }
  g_autoptr(GError) problem = NULL;
  *ret_recovery_ms = -1;
  gboolean is_proven = prove_file(work, backup, is_drill, identity, fd, ret_proof, ret_recovery_ms, &problem);
  close(fd);
  unlink(path);
  g_autoptr(PgConnection) connection = is_proven ? run_work_connect(work, &problem) : NULL;
  if (connection != NULL && catalog_note_proof(connection, backup->id, *ret_proof, *ret_recovery_ms, &problem))
    return TRUE;
  if (!is_proven)
    note_failure(work, backup, problem);
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}
