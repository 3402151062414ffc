#include "cli/archive/archive_file.h"

#include "archive/read/survey.h"
#include "base/error.h"
#include "cli/command/progress_bar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPOOL_BYTES = 256 * 1024 };

/* The limit on unpacked bytes follows from the wrapped size: archives are compressed already. */
enum { MAX_UNPACKED_RATIO = 100 };

/* Waits for standard input without a limit, because its writer decides. Signals end the wait. */
static TempFile *
spool_stdin(const CliContext *context, GError **error)
{
  g_autoptr(TempFile) file = temp_file_create(context->config->temp_dir, "import", error);
  if (file == NULL)
    return NULL;
  g_autofree guint8 *buffer = g_malloc(SPOOL_BYTES);
  for (;;) {
    if (error_if_cancelled(context->cancellable, error))
      return NULL;
    gssize n = read(STDIN_FILENO, buffer, SPOOL_BYTES);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      error_set_errno(error, errno, "read standard input");
      return NULL;
    }
    if (n == 0)
      return g_steal_pointer(&file);
    if (!temp_file_write(file, buffer, (gsize)n, error))
      return NULL;
  }
}

static gboolean
open_reader(const CliContext *context, ArchiveFile *file, GError **error)
{
  struct stat status;
  guint64 max_bytes = fstat(file->fd, &status) == 0 ? (guint64)status.st_size * MAX_UNPACKED_RATIO : 0;
  if (!temp_file_unpack(file->fd, context->config->temp_dir, max_bytes, context->cancellable, &file->unpacked, error))
    return FALSE;
  if (file->unpacked != NULL) {
    close(file->fd);
    file->fd = dup(temp_file_fd(file->unpacked));
  }
  file->reader = archive_reader_open(file->fd, error);
  return file->reader != NULL;
}

gboolean
archive_file_open(const CliContext *context, const char *path, ArchiveFile *ret_file, GError **error)
{
  g_auto(ArchiveFile) file = {.fd = -1};
  gboolean is_stdin = strcmp(path, "-") == 0;
  if (is_stdin && (file.spooled = spool_stdin(context, error)) == NULL)
    return FALSE;
  /* O_NONBLOCK: a named pipe without a writer would hold up the open, which signals do not end. */
  file.fd = is_stdin ? dup(temp_file_fd(file.spooled)) : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.fd < 0) {
    error_set_errno(error, errno, "open %s", path);
    return FALSE;
  }
  if (!open_reader(context, &file, error)) {
    g_prefix_error(error, "%s: ", path);
    return FALSE;
  }
  *ret_file = file;
  file = (ArchiveFile){.fd = -1};
  return TRUE;
}

void
archive_file_clear(ArchiveFile *file)
{
  g_clear_pointer(&file->reader, archive_reader_free);
  g_clear_pointer(&file->unpacked, temp_file_free);
  g_clear_pointer(&file->spooled, temp_file_free);
  if (file->fd >= 0)
    close(file->fd);
  file->fd = -1;
}

gboolean
archive_file_manifest(const char *path, const char *manifest_path, Manifest **ret_manifest, GError **error)
{
  g_autofree char *beside = g_strconcat(path, MANIFEST_SUFFIX, NULL);
  *ret_manifest = NULL;
  if (manifest_path == NULL && (strcmp(path, "-") == 0 || access(beside, F_OK) != 0))
    return TRUE;
  *ret_manifest = manifest_load(manifest_path != NULL ? manifest_path : beside, error);
  return *ret_manifest != NULL;
}

static void
show_progress(guint64 bytes_done, guint64 bytes_total, gpointer bar)
{
  ProgressState state = {.percent = bytes_total > 0 ? (double)bytes_done * 100 / (double)bytes_total : 0,
                         .bytes = bytes_done};
  progress_bar_update(bar, &state);
}

RowTotals *
archive_file_survey(ArchiveFile *file, GCancellable *cancellable, GError **error)
{
  g_autoptr(ProgressBar) bar = progress_bar_new();
  g_autofree RowTotals *totals = g_new0(RowTotals, archive_reader_n_entries(file->reader));
  if (!archive_reader_scan(file->reader, cancellable, error) ||
      !archive_survey(file->reader, 0, totals, show_progress, bar, cancellable, error))
    return NULL;
  return g_steal_pointer(&totals);
}

guint64
archive_file_bytes(const ArchiveFile *file, const TocEntry *entry, const RowTotals *totals)
{
  gboolean is_copy_text = entry->copy_stmt != NULL && entry->copy_stmt[0] != '\0';
  return is_copy_text ? totals->bytes : archive_reader_data_info(file->reader, entry)->data_bytes;
}
