#include "pg/cluster/cluster_place.h"

#include "base/error.h"
#include "base/os/child.h"
#include "base/os/directory.h"
#include "base/random_id.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NEW_DATA_PREFIX    "data.new-"
#define LOG_TAIL_BYTES     2048
#define SMALL_FILE_BYTES   4096 /* the maximum of postmaster.pid, PG_VERSION and current_logfiles */
#define SOCKET_PATH_FORMAT "%s/.s.PGSQL." CLUSTER_PORT

/* The longest path that fits a socket address with its terminating NUL. */
#define SOCKET_PATH_MAX_BYTES (sizeof((struct sockaddr_un *)NULL)->sun_path - 1)

static gboolean
find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid, GError **error)
{
  char buffer[16384];
  struct passwd entry, *found = NULL;
  int failure = getpwnam_r(name, &entry, buffer, sizeof buffer, &found);
  if (found == NULL) {
    error_set(error, CCH_ERROR_CONFIG,
              "CLUSTER_USER: PostgreSQL does not run as root, and there is no system user \"%s\" to run it as%s%s",
              name, failure != 0 ? ": " : "", failure != 0 ? g_strerror(failure) : "");
    return FALSE;
  }
  if (found->pw_uid == 0) {
    error_set(error, CCH_ERROR_CONFIG, "CLUSTER_USER: PostgreSQL does not run as root");
    return FALSE;
  }
  *ret_uid = found->pw_uid;
  *ret_gid = found->pw_gid;
  return TRUE;
}

/* Creates a 0700 directory owned by the cluster's user, or checks that an existing one is. Never follows a symbolic
 * link, because another user can create one below the data directory. */
static gboolean
make_private_directory(const ClusterPlace *place, const char *path, GError **error)
{
  uid_t owner = place->uid != 0 ? place->uid : geteuid();
  if (mkdir(path, 0700) == 0) {
    if (place->uid == 0 || lchown(path, place->uid, place->gid) == 0)
      return TRUE;
    error_set_errno(error, errno, "give %s to the cluster's user", path);
    return FALSE;
  }
  struct stat info;
  if (errno != EEXIST || lstat(path, &info) != 0) {
    error_set_errno(error, errno, "make directory %s", path);
    return FALSE;
  }
  if (S_ISDIR(info.st_mode) && info.st_uid == 0 && owner != 0 && rmdir(path) == 0)
    return make_private_directory(place, path, error); /* we were killed between mkdir and chown */
  if (S_ISDIR(info.st_mode) && info.st_uid == owner && (info.st_mode & 07077) == 0)
    return TRUE;
  error_set(error, CCH_ERROR_CONFIG,
            "DATA_DIR: %s must be a directory with mode 0700 of user ID %u; it has mode %04o and belongs to user ID %u "
            "(see CLUSTER_USER)",
            path, owner, info.st_mode & 07777, info.st_uid);
  return FALSE;
}

static gboolean
user_can_search(const ClusterPlace *place, const char *path)
{
  const ChildOptions options = {
      .argv = (const char *const[]){"test", "-x", path, NULL}, .directory = "/", .uid = place->uid, .gid = place->gid};
  g_autofree char *nothing = child_process_run(&options, NULL, NULL);
  return nothing != NULL;
}

/* Asks the kernel, as that user: only it knows the effect of modes, groups and access lists. */
static gboolean
check_parents(const ClusterPlace *place, const char *data_dir, const char *user, GError **error)
{
  if (place->uid == 0 || user_can_search(place, place->base_dir))
    return TRUE;
  g_autofree char *closed = g_strdup(data_dir);
  for (g_autofree char *path = g_strdup(data_dir); !user_can_search(place, path);) {
    g_free(closed);
    closed = g_strdup(path);
    if (strcmp(path, "/") == 0)
      break;
    g_autofree char *child = g_steal_pointer(&path);
    path = g_path_get_dirname(child);
  }
  error_set(
      error, CCH_ERROR_CONFIG,
      "DATA_DIR: user \"%s\", as whom PostgreSQL runs, may not pass through the directory %s: run `chmod o+x %s`, or "
      "choose another data directory",
      user, closed, closed);
  return FALSE;
}

static gboolean
check_socket_path(const ClusterPlace *place, GError **error)
{
  g_autofree char *path = g_strdup_printf(SOCKET_PATH_FORMAT, place->socket_dir);
  if (strlen(path) > SOCKET_PATH_MAX_BYTES) {
    error_set(error, CCH_ERROR_CONFIG,
              "DATA_DIR: too long: the cluster's socket would be %s, %" G_GSIZE_FORMAT
              " bytes, and a socket's path has at most %" G_GSIZE_FORMAT,
              path, strlen(path), SOCKET_PATH_MAX_BYTES);
    return FALSE;
  }
  if (strchr(path, ',') != NULL) {
    error_set(error, CCH_ERROR_CONFIG, "DATA_DIR: PostgreSQL's clients take no socket path with a comma: %s", path);
    return FALSE;
  }
  return TRUE;
}

gboolean
cluster_place_prepare(ClusterPlace *place, const char *data_dir, const char *user, GError **error)
{
  place->base_dir = g_build_filename(data_dir, "postgresql", NULL);
  place->pg_data = g_build_filename(place->base_dir, "data", NULL);
  place->socket_dir = g_build_filename(place->base_dir, "socket", NULL);
  place->lock_path = g_build_filename(data_dir, "postgresql.lock", NULL);
  if (geteuid() == 0 && !find_user(user, &place->uid, &place->gid, error))
    return FALSE;
  return check_socket_path(place, error) && directory_ensure(data_dir, error) &&
         make_private_directory(place, place->base_dir, error) && check_parents(place, data_dir, user, error) &&
         make_private_directory(place, place->socket_dir, error);
}

void
cluster_place_clear(ClusterPlace *place)
{
  g_clear_pointer(&place->base_dir, g_free);
  g_clear_pointer(&place->pg_data, g_free);
  g_clear_pointer(&place->socket_dir, g_free);
  g_clear_pointer(&place->lock_path, g_free);
}

int
cluster_place_try_lock(const ClusterPlace *place, GError **error)
{
  int fd = open(place->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    error_set_errno(error, errno, "open %s", place->lock_path);
    return -1;
  }
  if (flock(fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  if (errno != EWOULDBLOCK)
    error_set_errno(error, errno, "lock %s", place->lock_path);
  close(fd);
  return -1;
}

/* Reads at most `max_bytes`, from `offset_from_end` bytes before a file's end (-1: from its start); NULL if it
 * cannot be read. The files belong to a less privileged user, so links and pipes are refused. */
static char *
read_bounded(const char *path, off_t offset_from_end, gsize max_bytes)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat info;
  if (fd < 0)
    return NULL;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return NULL;
  }
  off_t start = offset_from_end < 0 ? 0 : MAX(info.st_size - offset_from_end, 0);
  g_autofree char *text = g_malloc(max_bytes + 1);
  ssize_t n = pread(fd, text, max_bytes, start);
  close(fd);
  if (n < 0)
    return NULL;
  text[n] = '\0';
  return g_steal_pointer(&text);
}

static char *
read_data_file(const ClusterPlace *place, const char *name)
{
  g_autofree char *path = g_build_filename(place->pg_data, name, NULL);
  return read_bounded(path, -1, SMALL_FILE_BYTES);
}

static gboolean
has_data_file(const char *directory, const char *name)
{
  g_autofree char *path = g_build_filename(directory, name, NULL);
  struct stat info;
  return lstat(path, &info) == 0;
}

gboolean
cluster_place_has_data(const ClusterPlace *place, gboolean *ret_has_data, GError **error)
{
  struct stat info;
  if (lstat(place->pg_data, &info) != 0) {
    if (errno != ENOENT) {
      error_set_errno(error, errno, "look at %s", place->pg_data);
      return FALSE;
    }
    *ret_has_data = FALSE;
    return TRUE;
  }
  if (has_data_file(place->pg_data, "PG_VERSION")) {
    *ret_has_data = TRUE;
    return TRUE;
  }
  error_set(error, CCH_ERROR_CLUSTER_FAILED,
            "%s exists but is no PostgreSQL cluster (it has no PG_VERSION): move it away or restore it",
            place->pg_data);
  return FALSE;
}

char *
cluster_place_data_version(const ClusterPlace *place)
{
  g_autofree char *text = read_data_file(place, "PG_VERSION");
  guint64 major = 0;
  if (text == NULL || !g_ascii_string_to_unsigned(g_strchomp(text), 10, 1, 9999, &major, NULL))
    return NULL;
  return g_strdup_printf("%" G_GUINT64_FORMAT, major);
}

char *
cluster_place_new_data_path(const ClusterPlace *place)
{
  g_autofree char *random = random_id_new(16);
  return g_strdup_printf("%s/" NEW_DATA_PREFIX "%s", place->base_dir, random);
}

gboolean
cluster_place_adopt(const ClusterPlace *place, const char *new_data_path, GError **error)
{
  if (rename(new_data_path, place->pg_data) != 0) {
    error_set_errno(error, errno, "rename %s to %s", new_data_path, place->pg_data);
    return FALSE;
  }
  int fd = open(place->base_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean is_durable = fd >= 0 && fsync(fd) == 0;
  if (!is_durable)
    error_set_errno(error, errno, "flush %s", place->base_dir);
  if (fd >= 0)
    close(fd);
  return is_durable;
}

void
cluster_place_sweep(const ClusterPlace *place, GCancellable *cancellable)
{
  g_autoptr(GDir) directory = g_dir_open(place->base_dir, 0, NULL);
  for (const char *name; directory != NULL && (name = g_dir_read_name(directory)) != NULL;) {
    g_autofree char *path = g_build_filename(place->base_dir, name, NULL);
    /* A postmaster writes postmaster.opts at its first start; initdb never does. */
    if (!g_str_has_prefix(name, NEW_DATA_PREFIX) || has_data_file(path, "postmaster.opts"))
      continue;
    const ChildOptions options = {
        .argv = (const char *const[]){"rm", "-rf", "--one-file-system", "--", path, NULL},
        .directory = "/",
        .uid = place->uid,
        .gid = place->gid,
    };
    /* A leftover only takes space; the next start tries again. */
    g_autofree char *nothing = child_process_run(&options, cancellable, NULL);
  }
}

pid_t
cluster_place_postmaster(const ClusterPlace *place)
{
  g_autofree char *text = read_data_file(place, "postmaster.pid");
  gint64 pid = text != NULL ? g_ascii_strtoll(text, NULL, 10) : 0;
  if (pid <= 0 || pid > G_MAXINT)
    return 0;
  /* After a reboot the PID may belong to any process. A postmaster's working directory is its data directory. */
  g_autofree char *link = g_strdup_printf("/proc/%d/cwd", (int)pid);
  struct stat working_directory, data;
  gboolean is_ours = stat(link, &working_directory) == 0 && stat(place->pg_data, &data) == 0 &&
                     working_directory.st_dev == data.st_dev && working_directory.st_ino == data.st_ino;
  return is_ours ? (pid_t)pid : 0;
}

gboolean
cluster_place_has_pid_file(const ClusterPlace *place)
{
  return has_data_file(place->pg_data, "postmaster.pid");
}

char *
cluster_place_log_tail(const ClusterPlace *place, gint64 since_s)
{
  /* "stderr log/postgresql-Mon.log" */
  g_autofree char *current = read_data_file(place, "current_logfiles");
  const char *name = current != NULL ? strchr(g_strchomp(current), ' ') : NULL;
  if (name == NULL)
    return g_strdup("");
  g_autofree char *path = g_build_filename(place->pg_data, name + 1, NULL);
  struct stat info;
  if (lstat(path, &info) != 0 || info.st_mtime < since_s)
    return g_strdup("");
  char *tail = read_bounded(path, LOG_TAIL_BYTES, LOG_TAIL_BYTES);
  return tail != NULL ? g_strchomp(tail) : g_strdup("");
}
