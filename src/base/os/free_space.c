#include "base/os/free_space.h"

#include "base/error.h"

#include <errno.h>
#include <sys/statvfs.h>

gboolean
free_space_check(const char *directory, guint64 size_bytes, GError **error)
{
  struct statvfs info;
  if (statvfs(directory, &info) != 0) {
    error_set_errno(error, errno, "%s", directory);
    return FALSE;
  }
  guint64 free_bytes = (guint64)info.f_bavail * info.f_frsize;
  if (free_bytes >= size_bytes)
    return TRUE;
  error_set(error, CCH_ERROR_DISK_FULL, "%s has %" G_GUINT64_FORMAT " bytes free, %" G_GUINT64_FORMAT " are needed",
            directory, free_bytes, size_bytes);
  return FALSE;
}
