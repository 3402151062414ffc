#include "base/os/directory.h"

#include "base/error.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

gboolean
directory_ensure(const char *path, GError **error)
{
  mode_t mode = geteuid() == 0 ? 0711 : 0700;
  g_autofree char *parent = g_path_get_dirname(path);
  if (g_mkdir_with_parents(parent, 0755) != 0) {
    error_set_errno(error, errno, "make directory %s", parent);
    return FALSE;
  }
  if (mkdir(path, mode) != 0) {
    int saved_errno = errno;
    if (saved_errno == EEXIST && g_file_test(path, G_FILE_TEST_IS_DIR))
      return TRUE;
    error_set_errno(error, saved_errno, "make directory %s", path);
    return FALSE;
  }
  /* The umask may have removed the others' search permission. */
  if (chmod(path, mode) == 0)
    return TRUE;
  error_set_errno(error, errno, "change the mode of %s", path);
  return FALSE;
}

gboolean
directory_check_free_space(const char *path, guint64 size_bytes, GError **error)
{
  struct statvfs info;
  if (statvfs(path, &info) != 0) {
    error_set_errno(error, errno, "%s", path);
    return FALSE;
  }
  guint64 free_bytes = (guint64)info.f_bavail * info.f_frsize;
  if (free_bytes >= size_bytes)
    return TRUE;
  error_set(error, CCH_ERROR_DISK_FULL, "%s has %" G_GUINT64_FORMAT " bytes free, %" G_GUINT64_FORMAT " are needed",
            path, free_bytes, size_bytes);
  return FALSE;
}
