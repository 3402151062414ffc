#include "cli/archive_file.h"

#include "base/error.h"

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
