#include "cli/files/output_file.h"

#include "base/error.h"
#include "base/os/write_all.h"
#include "base/random_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct OutputFile {
  int fd;
  char *path;      /* NULL: standard output */
  char *temporary; /* the name before the commit; NULL after it */
  gboolean replace;
};

OutputFile *
output_file_create(const char *path, gboolean replace, GError **error)
{
  g_autoptr(OutputFile) file = g_new0(OutputFile, 1);
  file->fd = -1;
  file->replace = replace;
  if (strcmp(path, "-") == 0) {
    if (isatty(STDOUT_FILENO)) {
      error_set(error, CCH_ERROR_USAGE, "standard output is a terminal; name a file or redirect it");
      return NULL;
    }
    file->fd = STDOUT_FILENO;
    return g_steal_pointer(&file);
  }
  if (!replace && access(path, F_OK) == 0) {
    error_set(error, CCH_ERROR_USAGE, "%s exists; use --force to replace it", path);
    return NULL;
  }
  file->path = g_strdup(path);
  g_autofree char *random = random_id_new(4);
  file->temporary = g_strdup_printf("%s.%s.partial", path, random);
  file->fd = open(file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file->fd < 0) {
    error_set_errno(error, errno, "create %s", file->temporary);
    g_clear_pointer(&file->temporary, g_free);
    return NULL;
  }
  return g_steal_pointer(&file);
}

gboolean
output_file_write(OutputFile *file, const guint8 *data, gsize size, GError **error)
{
  return write_all(file->fd, data, size, file->path != NULL ? file->path : "standard output", error);
}

int
output_file_descriptor(const OutputFile *file)
{
  return file->path != NULL ? file->fd : -1;
}

/* Makes the new name itself survive a crash. */
static gboolean
sync_directory(const char *path, GError **error)
{
  g_autofree char *directory = g_path_get_dirname(path);
  int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean ok = fd >= 0 && fsync(fd) == 0;
  int saved_errno = errno;
  if (fd >= 0)
    close(fd);
  if (!ok)
    error_set_errno(error, saved_errno, "sync %s", directory);
  return ok;
}

gboolean
output_file_commit(OutputFile *file, GError **error)
{
  if (file->path == NULL)
    return TRUE;
  if (fsync(file->fd) != 0) {
    error_set_errno(error, errno, "sync %s", file->temporary);
    return FALSE;
  }
  /* link refuses an existing name, rename replaces it. */
  int failed = file->replace ? rename(file->temporary, file->path) : link(file->temporary, file->path);
  if (failed != 0) {
    error_set_errno(error, errno, "create %s", file->path);
    return FALSE;
  }
  if (!file->replace)
    unlink(file->temporary);
  g_clear_pointer(&file->temporary, g_free);
  return sync_directory(file->path, error);
}

void
output_file_free(OutputFile *file)
{
  if (file == NULL)
    return;
  if (file->path != NULL && file->fd >= 0)
    close(file->fd);
  if (file->temporary != NULL)
    unlink(file->temporary);
  g_free(file->temporary);
  g_free(file->path);
  g_free(file);
}
