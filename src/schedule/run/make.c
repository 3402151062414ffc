#include "schedule/run/steps.h"

#include "backup/export/export.h"
#include "base/error.h"
#include "base/os/write_all.h"
#include "base/sha256.h"
#include "base/wait.h"
#include "storage/age.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024, NAME_PAUSE_MS = 100 };

void
made_backup_clear(MadeBackup *made)
{
  g_clear_pointer(&made->path, g_free);
  g_clear_pointer(&made->name, g_free);
  g_clear_pointer(&made->sha256, g_free);
  g_clear_pointer(&made->manifest, manifest_free);
  g_clear_pointer(&made->manifest_json, g_free);
}

static int
create_file(const char *path, GError **error)
{
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    error_set_errno(error, errno, "create %s", path);
  return fd;
}

static void
show_export(RunWork *work, BackupExport *export)
{
  BackupExportProgress progress;
  backup_export_progress(export, &progress);
  run_work_progress(work, "export", progress.relation_bytes_done, progress.relation_bytes);
}

static gboolean
copy_export(RunWork *work, BackupExport *export, int fd, GError **error)
{
  g_autofree guint8 *buffer = g_malloc(BUFFER_BYTES);
  gssize n;
  while ((n = backup_export_read(export, buffer, BUFFER_BYTES, error)) > 0) {
    if (!write_all(fd, buffer, (gsize)n, "the archive", error))
      return FALSE;
    show_export(work, export);
  }
  return n == 0;
}

/* The manifest's own fields; the export frees its manifest. */
static Manifest *
copy_manifest(BackupExport *export, GError **error)
{
  g_autofree char *json = manifest_to_json(backup_export_manifest(export));
  return manifest_from_json(json, strlen(json), error);
}

static gboolean
complete_archive(RunWork *work, BackupExport *export, int fd, MadeBackup *made, GError **error)
{
  char sha256[SHA256_TEXT_BYTES];
  if (!backup_export_patch_offsets(export, fd, error) || !sha256_of_file(fd, work->cancellable, sha256, error))
    return FALSE;
  Manifest *manifest = backup_export_manifest(export);
  g_free(manifest->archive_sha256);
  manifest->archive_sha256 = g_strdup(sha256);
  made->name = g_strdup(backup_export_file_name(export));
  made->bytes = manifest->archive_bytes;
  made->sha256 = g_strdup(sha256);
  made->manifest = copy_manifest(export, error);
  g_auto(GStrv) warnings = backup_export_warnings(export, LANGUAGE_EN);
  for (char **warning = warnings; warning != NULL && *warning != NULL; warning++)
    run_work_log(work, "warning", json_pack("{s:s}", "text", *warning));
  return made->manifest != NULL;
}

/* Names of backups have seconds. A second backup of the same second would take the place of the first. */
static gboolean
wait_for_new_name(RunWork *work, const CatalogJob *job, GError **error)
{
  g_autoptr(PgConnection) connection = run_work_connect(work, error);
  if (connection == NULL)
    return FALSE;
  for (;;) {
    g_autofree char *name = backup_export_name_now();
    gboolean is_taken = FALSE;
    if (!catalog_has_backup_named(connection, job->name, name, &is_taken, error))
      return FALSE;
    if (!is_taken)
      return TRUE;
    if (!sleep_ms(NAME_PAUSE_MS, work->cancellable, error))
      return FALSE;
  }
}

static gboolean
export_archive(RunWork *work, const CatalogJob *job, int fd, MadeBackup *made, GError **error)
{
  const Config *config = work->config;
  const JobSettings *settings = job->settings;
  g_autofree char *holder = g_strdup_printf("%s (job %s)", work->run.asked_by, job->name);
  const BackupExportOptions options = {
      .dsn = pg_pool_dsn(work->pool),
      .redis_url = config->redis_url,
      .lock_ttl_ms = (guint)config->lock_ttl_ms,
      .wait = {.seconds = settings->wait_s},
      .client = {config->pg_bin_dir, config->pg_dump_command},
      .holder = holder,
      .exclude_logs = settings->contents == JOB_CONTENTS_NO_LOGS,
      .ledger_only = settings->contents == JOB_CONTENTS_LEDGER_ONLY,
      .exclude_table_data = (const char *const *)settings->excluded_tables,
      .level = settings->level,
      .jobs = (guint)config->export_jobs,
  };
  run_work_progress(work, "wait", 0, 0);
  if (!wait_for_new_name(work, job, error))
    return FALSE;
  g_auto(RunAttempt) attempt = run_attempt_begin(work);
  g_autoptr(BackupExport) export = backup_export_start(&options, attempt.cancellable, NULL, error);
  return export != NULL && copy_export(work, export, fd, error) && complete_archive(work, export, fd, made, error);
}

static gboolean
encrypt_into(RunWork *work, const char *const *recipients, int from, int to, guint64 bytes, GError **error)
{
  g_autofree guint8 *buffer = g_malloc(BUFFER_BYTES);
  g_autoptr(AgeEncryption) encryption = age_encrypt_start(recipients, to, error);
  if (encryption == NULL)
    return FALSE;
  off_t done = 0;
  for (;;) {
    ssize_t n = pread(from, buffer, BUFFER_BYTES, done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      error_set_errno(error, errno, "read the archive");
      return FALSE;
    }
    if (n == 0)
      return age_encrypt_finish(encryption, work->cancellable, error);
    if (!age_encrypt_write(encryption, buffer, (gsize)n, work->cancellable, error))
      return FALSE;
    done += n;
    run_work_progress(work, "encrypt", (guint64)done, bytes);
  }
}

/* The plain archive goes at once. */
static gboolean
encrypt_archive(RunWork *work, char *const *recipients, int fd, MadeBackup *made, GError **error)
{
  g_autofree char *path = run_work_path(work, "archive.age");
  int out = create_file(path, error);
  if (out < 0)
    return FALSE;
  char sha256[SHA256_TEXT_BYTES];
  struct stat status;
  gboolean is_done = encrypt_into(work, (const char *const *)recipients, fd, out, made->bytes, error) &&
                     sha256_of_file(out, work->cancellable, sha256, error);
  if (is_done && fstat(out, &status) != 0) {
    error_set_errno(error, errno, "stat %s", path);
    is_done = FALSE;
  }
  close(out);
  if (!is_done)
    return FALSE;
  unlink(made->path);
  g_autofree char *name = g_strconcat(made->name, ".age", NULL);
  g_free(made->path);
  g_free(made->name);
  g_free(made->sha256);
  made->path = g_steal_pointer(&path);
  made->name = g_steal_pointer(&name);
  made->bytes = (guint64)status.st_size;
  made->sha256 = g_strdup(sha256);
  made->manifest->encryption = g_strdup("age");
  return TRUE;
}

/* Fails only if the archive is damaged or the run ends. If the drill could not be done, for lack of room, the lock or
 * permissions, people are notified, the drill remains due, and the backup goes on. */
static gboolean
drill_archive(RunWork *work, const CatalogJob *job, int fd, MadeBackup *made, GError **error)
{
  g_autoptr(GError) problem = NULL;
  if (prove_by_trial(work, fd, made->manifest, 0, &made->recovery_ms, &problem))
    return TRUE;
  made->recovery_ms = -1;
  if (error_code(problem) == CCH_ERROR_CANCELLED || prove_is_damage(problem)) {
    g_propagate_prefixed_error(error, g_steal_pointer(&problem), "drill before the encryption: ");
    return FALSE;
  }
  run_work_log(work, "drill_failed", run_work_problem(problem));
  if (error_code(problem) != CCH_ERROR_BACKUP_BUSY)
    run_work_tell(work, NOTIFY_DRILL_FAILED, "drill", job->name, problem);
  return TRUE;
}

static gboolean
make_file(RunWork *work, const CatalogJob *job, int fd, gboolean has_drill, MadeBackup *made, GError **error)
{
  gboolean is_encrypted = *job->settings->recipients != NULL;
  made->recovery_ms = -1;
  if (!export_archive(work, job, fd, made, error))
    return FALSE;
  RowTotals totals = manifest_totals(made->manifest);
  run_work_log(work, "exported",
               json_pack("{s:s, s:I, s:I}", "name", made->name, "bytes", (json_int_t)made->bytes, "rows",
                         (json_int_t)totals.rows));
  if (is_encrypted && has_drill && !drill_archive(work, job, fd, made, error))
    return FALSE;
  if (is_encrypted && !encrypt_archive(work, job->settings->recipients, fd, made, error))
    return FALSE;
  made->manifest->file = g_strdup(made->name);
  made->manifest->file_bytes = made->bytes;
  made->manifest->file_sha256 = g_strdup(made->sha256);
  made->manifest_json = manifest_to_json(made->manifest);
  return TRUE;
}

gboolean
make_backup(RunWork *work, const CatalogJob *job, gboolean has_drill, MadeBackup *ret_made, GError **error)
{
  g_auto(MadeBackup) made = {.path = run_work_path(work, "archive")};
  int fd = create_file(made.path, error);
  if (fd < 0)
    return FALSE;
  gboolean is_made = make_file(work, job, fd, has_drill, &made, error);
  close(fd);
  if (!is_made)
    return FALSE;
  *ret_made = made;
  made = (MadeBackup){0};
  return TRUE;
}
