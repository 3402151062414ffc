#include "base/os/write_all.h"

#include "base/error.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* Adds the bytes of one write to `done`; FALSE if it failed. POSIX allows 0 for a device that accepts no more. */
static gboolean
count_written(gssize n, gsize *done, const char *name, GError **error)
{
  if (n < 0 && errno == EINTR)
    return TRUE;
  if (n <= 0) {
    error_set_errno(error, n < 0 ? errno : EIO, "write %s", name);
    return FALSE;
  }
  *done += (gsize)n;
  return TRUE;
}

gboolean
write_all(int fd, gconstpointer data, gsize size, const char *name, GError **error)
{
  const guint8 *bytes = data;
  for (gsize done = 0; done < size;)
    if (!count_written(write(fd, bytes + done, size - done), &done, name, error))
      return FALSE;
  return TRUE;
}

gboolean
write_all_at(int fd, gconstpointer data, gsize size, guint64 offset, const char *name, GError **error)
{
  const guint8 *bytes = data;
  for (gsize done = 0; done < size;)
    if (!count_written(pwrite(fd, bytes + done, size - done, (off_t)(offset + done)), &done, name, error))
      return FALSE;
  return TRUE;
}

int
memory_file_new(const char *name, gconstpointer data, gsize size, GError **error)
{
  int fd = memfd_create("cch-data", MFD_CLOEXEC);
  if (fd < 0) {
    error_set_errno(error, errno, "make a file in memory for %s", name);
    return -1;
  }
  if (write_all(fd, data, size, name, error)) {
    lseek(fd, 0, SEEK_SET);
    return fd;
  }
  close(fd);
  return -1;
}
