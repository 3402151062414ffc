#include "base/os/private_file.h"

#include "base/error.h"

#include <sys/stat.h>

gboolean
private_file_check(int fd, const char *path, GError **error)
{
  struct stat info;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 07) == 0 &&
      ((info.st_mode & 070) == 0 || fchmod(fd, 0600) == 0))
    return TRUE;
  error_set(error, CCH_ERROR_CONFIG, "%s must be a file that only its owner may read (chmod 600)", path);
  return FALSE;
}
