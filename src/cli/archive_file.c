#include "cli/archive_file.h"

#include "archive/survey.h"
#include "base/error.h"
#include "cli/progress_bar.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

gboolean
archive_file_open(const char *path, ArchiveFile *ret_file, GError **error)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    error_set_errno(error, errno, "open %s", path);
    return FALSE;
  }
  ArchiveReader *reader = archive_reader_open(fd, error);
  if (reader == NULL) {
    g_prefix_error(error, "%s: ", path);
    close(fd);
    return FALSE;
  }
  *ret_file = (ArchiveFile){.fd = fd, .reader = reader};
  return TRUE;
}

void
archive_file_clear(ArchiveFile *file)
{
  g_clear_pointer(&file->reader, archive_reader_free);
  if (file->fd >= 0)
    close(file->fd);
  file->fd = -1;
}

gboolean
archive_file_manifest(const char *path, const char *manifest_path, Manifest **ret_manifest, GError **error)
{
  g_autofree char *beside = g_strconcat(path, MANIFEST_SUFFIX, NULL);
  *ret_manifest = NULL;
  if (manifest_path == NULL && access(beside, F_OK) != 0)
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
