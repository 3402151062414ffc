#include "upload/temp_file.h"

#include "base/error.h"
#include "base/os/write_all.h"
#include "base/random_id.h"
#include "base/wait.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_PREFIX "database_"
#define NAME_SUFFIX ".dump"

enum { CREATE_ATTEMPTS = 16, OUR_RANDOM_DIGITS = 16 };

struct TempFile {
  char *path;
  int fd;
};

struct TempFileJanitor {
  char *directory;
  guint max_age_s;
  PeriodicThread *thread;
};

static char *
new_path(const char *directory, const char *purpose)
{
  g_autofree char *random = random_id_new(8);
  g_autofree char *name =
      g_strdup_printf(NAME_PREFIX "%s_%" G_GINT64_FORMAT "_%s" NAME_SUFFIX, purpose, g_get_real_time() / 1000, random);
  return g_build_filename(directory, name, NULL);
}

/* Locks a new file. FALSE if a sweep was quicker and holds the lock, or has removed the file. */
static gboolean
lock_new_file(int fd)
{
  struct stat info;
  return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &info) == 0 && info.st_nlink > 0;
}

TempFile *
temp_file_create(const char *directory, const char *purpose, GError **error)
{
  for (int attempt = 0; attempt < CREATE_ATTEMPTS; attempt++) {
    g_autofree char *path = new_path(directory, purpose);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno != EEXIST) {
      error_set_errno(error, errno, "create a temporary file in %s", directory);
      return NULL;
    }
    if (fd >= 0 && lock_new_file(fd)) {
      TempFile *file = g_new0(TempFile, 1);
      file->path = g_steal_pointer(&path);
      file->fd = fd;
      return file;
    }
    if (fd >= 0) {
      unlink(path);
      close(fd);
    }
  }
  error_set(error, CCH_ERROR_FILE, "create a temporary file in %s: it cannot be locked", directory);
  return NULL;
}

int
temp_file_fd(const TempFile *file)
{
  return file->fd;
}

gboolean
temp_file_write(TempFile *file, const guint8 *data, gsize size, GError **error)
{
  return write_all(file->fd, data, size, file->path, error);
}

const char *
temp_file_path(const TempFile *file)
{
  return file->path;
}

void
temp_file_free(TempFile *file)
{
  if (file == NULL)
    return;
  unlink(file->path); /* before closing the descriptor releases the lock */
  close(file->fd);
  g_free(file->path);
  g_free(file);
}

/* TRUE for database_<letters>_<digits>_<letters and digits>.dump. `ret_is_ours` says whether the random part has
 * new_path's form, so that a live owner would hold the lock. */
static gboolean
name_matches(const char *name, gboolean *ret_is_ours)
{
  static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
  static const char alphanumeric[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  if (!g_str_has_prefix(name, NAME_PREFIX))
    return FALSE;
  const char *p = name + strlen(NAME_PREFIX);
  gsize n_purpose = strspn(p, lower);
  if (n_purpose == 0 || p[n_purpose] != '_')
    return FALSE;
  p += n_purpose + 1;
  gsize n_timestamp = strspn(p, "0123456789");
  if (n_timestamp == 0 || p[n_timestamp] != '_')
    return FALSE;
  p += n_timestamp + 1;
  gsize n_random = strspn(p, alphanumeric);
  if (n_random == 0 || strcmp(p + n_random, NAME_SUFFIX) != 0)
    return FALSE;
  *ret_is_ours = n_random == OUR_RANDOM_DIGITS && strspn(p, "0123456789abcdef") == OUR_RANDOM_DIGITS;
  return TRUE;
}

static gboolean
is_too_old(const struct stat *info, guint max_age_s)
{
  gint64 age_s = g_get_real_time() / G_USEC_PER_SEC - (gint64)info->st_mtim.tv_sec;
  return age_s > (gint64)max_age_s;
}

/* The lock is held across the unlink. An owner that is just creating the file finds the lock taken or the file gone,
 * and creates another one (temp_file_create). */
static gboolean
sweep_file(int directory_fd, const char *name, gboolean is_ours, guint max_age_s)
{
  struct stat info;
  int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  gboolean is_file = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid();
  gboolean is_removed = is_file && (is_too_old(&info, max_age_s) || (is_ours && flock(fd, LOCK_EX | LOCK_NB) == 0)) &&
                        unlinkat(directory_fd, name, 0) == 0;
  close(fd);
  return is_removed;
}

guint
temp_file_sweep(const char *directory, guint max_age_s, GError **error)
{
  int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
  if (listing == NULL) {
    error_set_errno(error, errno, "%s", directory);
    if (fd >= 0)
      close(fd);
    return 0;
  }
  guint n_removed = 0;
  for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
    gboolean is_ours = FALSE;
    if (name_matches(entry->d_name, &is_ours) && sweep_file(fd, entry->d_name, is_ours, max_age_s))
      n_removed++;
  }
  closedir(listing);
  return n_removed;
}

static void
sweep_files(gpointer data, GCancellable *stopping)
{
  TempFileJanitor *janitor = data;
  (void)stopping;
  temp_file_sweep(janitor->directory, janitor->max_age_s, NULL); /* the next upload reports an unreadable directory */
}

TempFileJanitor *
temp_file_janitor_start(const char *directory, guint interval_s, guint max_age_s)
{
  TempFileJanitor *janitor = g_new0(TempFileJanitor, 1);
  janitor->directory = g_strdup(directory);
  janitor->max_age_s = max_age_s;
  janitor->thread = periodic_thread_start("temp-janitor", interval_s, sweep_files, janitor);
  return janitor;
}

void
temp_file_janitor_free(TempFileJanitor *janitor)
{
  if (janitor == NULL)
    return;
  periodic_thread_stop(janitor->thread);
  g_free(janitor->directory);
  g_free(janitor);
}
