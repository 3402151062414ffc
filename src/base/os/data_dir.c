#include "base/os/data_dir.h"

#include "base/error.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

gboolean
data_dir_ensure(const char *path, GError **error)
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
  /* The umask may have taken the others' search permission away. */
  if (chmod(path, mode) == 0)
    return TRUE;
  error_set_errno(error, errno, "change the mode of %s", path);
  return FALSE;
}
