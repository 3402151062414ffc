/* A directory of this machine, or one that is mounted. */
#include "base/error.h"
#include "base/os/write_all.h"
#include "base/sha256.h"
#include "base/wait.h"
#include "storage/storage_kind.h"
#include "storage/storage_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PIECE_BYTES (256 * 1024)

typedef struct {
  char *path;
  gboolean is_ours; /* made when it is missing; a given one may be a file system that is not mounted */
  guint64 bandwidth_bytes_s;
} Directory;

static const StorageSetting settings[] = {{"path", SETTING_TEXT, FALSE}, {NULL, SETTING_TEXT, FALSE}};
static const char *const secrets[] = {NULL};

static gpointer
directory_open(const StorageOptions *options, GError **error)
{
  const char *given = storage_setting_text(options->settings, "path");
  const char *path = given != NULL ? given : options->default_directory;
  if (path == NULL || !g_path_is_absolute(path)) {
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "path: an absolute path is expected");
    return NULL;
  }
  Directory *directory = g_new(Directory, 1);
  *directory = (Directory){.path = g_canonicalize_filename(path, "/"),
                           .is_ours = g_strcmp0(path, options->default_directory) == 0,
                           .bandwidth_bytes_s = options->bandwidth_bytes_s};
  return directory;
}

static void
directory_free(gpointer store)
{
  Directory *directory = store;
  g_free(directory->path);
  g_free(directory);
}

static char *
directory_describe(gpointer store)
{
  const Directory *directory = store;
  return g_strdup(directory->path);
}

/* `what` is followed by the reason. */
static void
error_set_place(GError **error, int saved_errno, const char *what)
{
  ErrorCode code = CCH_ERROR_STORAGE_FAILED;
  switch (saved_errno) {
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    code = CCH_ERROR_STORAGE_FULL;
    break;
  case EACCES:
  case EPERM:
  case EROFS:
    code = CCH_ERROR_STORAGE_REFUSED;
    break;
  case ENOENT:
  case ENOTDIR:
    code = CCH_ERROR_STORAGE_MISSING;
    break;
  case EIO:
  case ESTALE:
  case ENOTCONN:
  case ETIMEDOUT:
  case EHOSTDOWN:
  case EHOSTUNREACH:
    code = CCH_ERROR_STORAGE_AWAY;
    break;
  default:
    break;
  }
  error_set(error, code, "%s: %s", what, g_strerror(saved_errno));
}

static int
root_open(const Directory *directory, gboolean create, GError **error)
{
  int fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT && create && directory->is_ours && g_mkdir_with_parents(directory->path, 0700) == 0)
    fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    error_set_place(error, errno, directory->path);
  return fd;
}

/* The descriptor of the folder in which `name` lies, and the name's last part. No link below the root is followed. */
static int
folder_open(const Directory *directory, const char *name, gboolean create, const char **ret_last, GError **error)
{
  int fd = root_open(directory, create, error);
  const char *part = name;
  for (const char *slash; fd >= 0 && (slash = strchr(part, '/')) != NULL; part = slash + 1) {
    g_autofree char *folder = g_strndup(part, (gsize)(slash - part));
    int above = fd;
    if (create && mkdirat(above, folder, 0700) == 0)
      fsync(above);
    fd = openat(above, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
      error_set_place(error, errno, name);
    close(above);
  }
  if (ret_last != NULL)
    *ret_last = part;
  return fd;
}

/* Whether the two have the same bytes. An error only if they cannot be read. */
static gboolean
compare_with(int fd, const StorageSource *source, gboolean *ret_is_same, GCancellable *cancellable, GError **error)
{
  struct stat info;
  char here[SHA256_TEXT_BYTES], there[SHA256_TEXT_BYTES];
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || (guint64)info.st_size != source->bytes) {
    *ret_is_same = FALSE;
    return TRUE;
  }
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* what the disk has, not what the memory has */
  if (!sha256_of_file(source->fd, cancellable, here, error) || !sha256_of_file(fd, cancellable, there, error))
    return FALSE;
  *ret_is_same = strcmp(here, there) == 0;
  return TRUE;
}

/* A file of this name is there already. */
static gboolean
settle_existing(int folder_fd, const char *last, const StorageSource *source, GCancellable *cancellable, GError **error)
{
  int fd = openat(folder_fd, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  gboolean is_same = FALSE;
  gboolean is_compared = fd >= 0 && compare_with(fd, source, &is_same, cancellable, error);
  if (fd >= 0)
    close(fd);
  if (fd >= 0 && !is_compared)
    return FALSE;
  if (!is_same)
    error_set(error, CCH_ERROR_STORAGE_EXISTS, "%s", last);
  return is_same;
}

/* Sleeps as long as `n_bytes` should have taken by now. */
static gboolean
bandwidth_wait(guint64 bandwidth_bytes_s, guint64 n_bytes, gint64 start_us, GCancellable *cancellable, GError **error)
{
  if (bandwidth_bytes_s == 0)
    return TRUE;
  double due_us = (double)n_bytes / (double)bandwidth_bytes_s * G_USEC_PER_SEC;
  gint64 early_us = (gint64)due_us - (g_get_monotonic_time() - start_us);
  return early_us <= 0 || sleep_ms((guint)MIN(early_us / 1000, G_MAXINT), cancellable, error);
}

static gboolean
copy_to(const Directory *directory, int fd, const StorageSource *source, const char *name, GCancellable *cancellable,
        GError **error)
{
  g_autofree guint8 *piece = g_malloc(PIECE_BYTES);
  gint64 start_us = g_get_monotonic_time();
  for (guint64 done = 0; done < source->bytes;) {
    ssize_t n = pread(source->fd, piece, MIN(PIECE_BYTES, source->bytes - done), (off_t)done);
    if (n <= 0) {
      error_set_errno(error, n < 0 ? errno : EIO, "read the source of %s", name);
      return FALSE;
    }
    for (ssize_t offset = 0, written; offset < n; offset += written) {
      written = write(fd, piece + offset, (gsize)(n - offset));
      if (written < 0 && errno == EINTR)
        written = 0;
      if (written < 0) {
        error_set_place(error, errno, name);
        return FALSE;
      }
    }
    done += (guint64)n;
    if (source->progress != NULL)
      source->progress(done, source->bytes, source->data);
    if (error_if_cancelled(cancellable, error) ||
        !bandwidth_wait(directory->bandwidth_bytes_s, done, start_us, cancellable, error))
      return FALSE;
  }
  return TRUE;
}

/* Writes the partial file; compared with its source when it is on the disk. */
static gboolean
write_partial(const Directory *directory, int folder_fd, const char *partial, const StorageSource *source,
              const char *name, GCancellable *cancellable, GError **error)
{
  int fd = openat(folder_fd, partial, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) {
    error_set_place(error, errno, name);
    return FALSE;
  }
  gboolean is_same = FALSE, is_written = copy_to(directory, fd, source, name, cancellable, error);
  if (is_written && fsync(fd) != 0) {
    error_set_place(error, errno, name);
    is_written = FALSE;
  }
  is_written = is_written && compare_with(fd, source, &is_same, cancellable, error);
  if (is_written && !is_same)
    error_set(error, CCH_ERROR_STORAGE_DAMAGED, "%s: the disk does not give back what was written", name);
  if (close(fd) != 0 && is_written && is_same) { /* NFS reports a full disk here */
    error_set_place(error, errno, name);
    return FALSE;
  }
  return is_written && is_same;
}

/* FALSE with errno. */
static gboolean
rename_new(int folder_fd, const char *from, const char *to)
{
  if (renameat2(folder_fd, from, folder_fd, to, RENAME_NOREPLACE) == 0)
    return TRUE;
  if (errno != EINVAL && errno != ENOSYS)
    return FALSE;
  /* A file system without that, as NFS: a link does not replace a file either. */
  if (linkat(folder_fd, from, folder_fd, to, 0) == 0) {
    unlinkat(folder_fd, from, 0);
    return TRUE;
  }
  if (errno == EEXIST)
    return FALSE;
  /* One without links, as FAT. */
  if (faccessat(folder_fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return FALSE;
  }
  return renameat(folder_fd, from, folder_fd, to) == 0;
}

/* TRUE if the source lies in the same file system and has the name now. */
static gboolean
link_source(int folder_fd, const char *last, const StorageSource *source)
{
  g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", source->fd);
  return fsync(source->fd) == 0 && linkat(AT_FDCWD, path, folder_fd, last, AT_SYMLINK_FOLLOW) == 0;
}

static gboolean
copy_source(const Directory *directory, int folder_fd, const char *last, const StorageSource *source, const char *name,
            GCancellable *cancellable, GError **error)
{
  struct statvfs room;
  /* Some network file systems tell no size at all. */
  if (fstatvfs(folder_fd, &room) == 0 && room.f_blocks > 0 && (guint64)room.f_bavail * room.f_frsize < source->bytes) {
    error_set_place(error, ENOSPC, name);
    return FALSE;
  }
  g_autofree char *partial = storage_partial_name(last);
  gboolean is_there = write_partial(directory, folder_fd, partial, source, name, cancellable, error);
  if (is_there && !rename_new(folder_fd, partial, last)) {
    if (errno == EEXIST)
      is_there = settle_existing(folder_fd, last, source, cancellable, error);
    else {
      error_set_place(error, errno, name);
      is_there = FALSE;
    }
  }
  unlinkat(folder_fd, partial, 0); /* not there after a rename */
  return is_there;
}

static gboolean
directory_put(gpointer store, const StorageSource *source, const char *name, GCancellable *cancellable, GError **error)
{
  const char *last;
  int folder_fd = folder_open(store, name, TRUE, &last, error);
  if (folder_fd < 0)
    return FALSE;
  gboolean is_there = FALSE;
  if (faccessat(folder_fd, last, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    is_there = settle_existing(folder_fd, last, source, cancellable, error);
  else
    is_there =
        link_source(folder_fd, last, source) || copy_source(store, folder_fd, last, source, name, cancellable, error);
  if (is_there && fsync(folder_fd) != 0 && errno != EINVAL) { /* some network file systems cannot */
    error_set_place(error, errno, name);
    is_there = FALSE;
  }
  close(folder_fd);
  if (is_there && source->progress != NULL)
    source->progress(source->bytes, source->bytes, source->data);
  return is_there;
}

/* A file that must have the size it had, and limits its speed. */
typedef struct {
  char *name;
  int fd;
  guint64 bandwidth_bytes_s;
  guint64 bytes, done;
  gint64 start_us;
} Reading;

static gssize
reading_read(gpointer data, gpointer buffer, gsize size, GCancellable *cancellable, GError **error)
{
  Reading *reading = data;
  if (!bandwidth_wait(reading->bandwidth_bytes_s, reading->done, reading->start_us, cancellable, error))
    return -1;
  ssize_t n;
  do
    n = read(reading->fd, buffer, MIN(size, PIECE_BYTES));
  while (n < 0 && errno == EINTR);
  if (n < 0)
    error_set_place(error, errno, reading->name);
  reading->done += n > 0 ? (guint64)n : 0;
  if (n >= 0 && (reading->done > reading->bytes || (n == 0 && reading->done < reading->bytes))) {
    error_set(error, CCH_ERROR_STORAGE_DAMAGED, "%s has changed its size while it was read", reading->name);
    return -1;
  }
  return n;
}

static void
reading_free(gpointer data)
{
  Reading *reading = data;
  close(reading->fd);
  g_free(reading->name);
  g_free(reading);
}

static StorageStream *
directory_get(gpointer store, const char *name, guint64 *ret_bytes, GCancellable *cancellable, GError **error)
{
  (void)cancellable;
  const Directory *directory = store;
  static const StorageStreamFuncs funcs = {.read = reading_read, .free = reading_free};
  const char *last;
  int folder_fd = folder_open(store, name, FALSE, &last, error);
  if (folder_fd < 0)
    return NULL;
  int fd = openat(folder_fd, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat info;
  if (fd < 0)
    error_set_place(error, errno, name);
  close(folder_fd);
  if (fd < 0)
    return NULL;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    error_set(error, CCH_ERROR_STORAGE_MISSING, "%s is not a file", name);
    close(fd);
    return NULL;
  }
  posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  Reading *reading = g_new(Reading, 1);
  *reading = (Reading){.name = g_strdup(name),
                       .fd = fd,
                       .bandwidth_bytes_s = directory->bandwidth_bytes_s,
                       .bytes = (guint64)info.st_size,
                       .start_us = g_get_monotonic_time()};
  *ret_bytes = reading->bytes;
  return storage_stream_new(&funcs, reading);
}

/* Takes the folder's descriptor. */
static gboolean
list_folder(int folder_fd, const char *prefix, int depth, GPtrArray *files, GCancellable *cancellable, GError **error)
{
  DIR *folder = fdopendir(folder_fd);
  if (folder == NULL) {
    error_set_place(error, errno, prefix);
    close(folder_fd);
    return FALSE;
  }
  gboolean is_listed = TRUE;
  const struct dirent *entry;
  while (is_listed && (errno = 0, entry = readdir(folder)) != NULL) {
    struct stat info;
    if (entry->d_name[0] == '.' || fstatat(folder_fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
      continue; /* hidden, or gone meanwhile */
    g_autofree char *name = g_strconcat(prefix, entry->d_name, NULL);
    if (S_ISREG(info.st_mode))
      is_listed = storage_files_add(files, name, (guint64)info.st_size, (gint64)info.st_mtime, error);
    if (S_ISDIR(info.st_mode) && depth > 1) {
      g_autofree char *below = g_strconcat(name, "/", NULL);
      int fd = openat(folder_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      /* Others' folders that we may not read have no backups of ours. */
      is_listed = fd < 0 || list_folder(fd, below, depth - 1, files, cancellable, error);
    }
    is_listed = is_listed && !error_if_cancelled(cancellable, error);
  }
  if (is_listed && errno != 0) {
    error_set_place(error, errno, prefix);
    is_listed = FALSE;
  }
  closedir(folder);
  return is_listed;
}

static gboolean
directory_list(gpointer store, const char *folder, GPtrArray *files, GCancellable *cancellable, GError **error)
{
  const Directory *directory = store;
  g_autofree char *prefix = folder != NULL ? g_strconcat(folder, "/", NULL) : g_strdup("");
  g_autoptr(GError) failure = NULL;
  int root = root_open(directory, FALSE, &failure);
  int fd = root >= 0 ? folder_open(directory, prefix, FALSE, NULL, &failure) : -1;
  gboolean may_be_missing = root >= 0 || directory->is_ours;
  if (root >= 0)
    close(root);
  if (fd >= 0)
    return list_folder(fd, prefix, folder != NULL ? 1 : STORAGE_LIST_DEPTH, files, cancellable, error);
  if (may_be_missing && error_code(failure) == CCH_ERROR_STORAGE_MISSING)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}

static gboolean
directory_remove(gpointer store, const char *name, GCancellable *cancellable, GError **error)
{
  (void)cancellable;
  const Directory *directory = store;
  g_autoptr(GError) failure = NULL;
  int root = root_open(directory, FALSE, &failure);
  if (root < 0 && !directory->is_ours) { /* a file system that is not mounted says nothing of its files */
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  if (root >= 0)
    close(root);
  g_clear_error(&failure);
  const char *last;
  int folder_fd = folder_open(directory, name, FALSE, &last, &failure);
  gboolean is_removed = folder_fd >= 0 && (unlinkat(folder_fd, last, 0) == 0 || errno == ENOENT);
  if (folder_fd >= 0 && !is_removed) {
    if (errno == EPERM) /* chattr +i, +a */
      error_set(&failure, CCH_ERROR_STORAGE_LOCKED, "%s: %s", name, g_strerror(errno));
    else
      error_set_place(&failure, errno, name);
  } else if (folder_fd >= 0)
    fsync(folder_fd);
  if (folder_fd >= 0)
    close(folder_fd);
  if (is_removed || error_code(failure) == CCH_ERROR_STORAGE_MISSING)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}

const StorageKind storage_directory_kind = {
    .name = "directory",
    .settings = settings,
    .secrets = secrets,
    .open = directory_open,
    .free = directory_free,
    .describe = directory_describe,
    .put = directory_put,
    .get = directory_get,
    .list = directory_list,
    .remove = directory_remove,
};
