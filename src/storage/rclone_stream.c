#include "storage/rclone_stream.h"

#include "base/error.h"
#include "base/wait.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define MAX_FAILURES   5  /* in a row, without a byte between them */
#define MAX_RESUMES    50 /* in all */
#define END_LIMIT_MS   60000
#define END_GRACE_MS   1000
#define MAX_READ_BYTES (256 * 1024)

typedef struct {
  Rclone *rclone;
  char *name;
  ChildProcess *child; /* NULL: not started, or broken off */
  guint64 bytes, offset;
  guint n_failures, n_resumes;
} Download;

static void
download_end(Download *download)
{
  if (download->child != NULL)
    child_process_end(g_steal_pointer(&download->child), END_GRACE_MS);
}

static gboolean
download_start(Download *download, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_strconcat(download->rclone->config->root, download->name, NULL);
  g_autofree char *offset = g_strdup_printf("%" G_GUINT64_FORMAT, download->offset);
  /* A second try of its own would write the beginning again. */
  const char *const args[] = {"cat", "--retries", "1", "--offset", offset, path, NULL};
  download->child = rclone_start(download->rclone, args, cancellable, error);
  return download->child != NULL;
}

/* Waits for bytes or the end. FALSE with CANCELLED or STORAGE_AWAY. */
static gboolean
download_wait(const Download *download, GCancellable *cancellable, GError **error)
{
  GPollFD cancel = {.fd = -1};
  gboolean has_cancel_fd = g_cancellable_make_pollfd(cancellable, &cancel);
  struct pollfd fds[] = {{.fd = child_process_stdout(download->child), .events = POLLIN},
                         {.fd = cancel.fd, .events = POLLIN}};
  gint64 end_us = g_get_monotonic_time() + (gint64)RCLONE_SILENCE_S * G_USEC_PER_SEC;
  int n;
  do
    n = poll(fds, G_N_ELEMENTS(fds), (int)MAX(0, (end_us - g_get_monotonic_time()) / 1000));
  while (n < 0 && errno == EINTR);
  if (has_cancel_fd)
    g_cancellable_release_fd(cancellable);
  if (error_if_cancelled(cancellable, error))
    return FALSE;
  if (n == 0)
    error_set(error, CCH_ERROR_STORAGE_AWAY, "%s: nothing has come for %d s", download->name, RCLONE_SILENCE_S);
  return n > 0;
}

/* rclone has closed its output: TRUE if it has ended well. */
static gboolean
download_judge(Download *download, GError **error)
{
  int exit_code = -1;
  g_autofree char *complaint = NULL;
  if (child_process_wait(download->child, END_LIMIT_MS, &exit_code))
    complaint = child_process_stderr(download->child);
  if (complaint == NULL)
    error_set(error, CCH_ERROR_STORAGE_FAILED, "%s: rclone does not end", download->name);
  else if (exit_code > 128 && *complaint == '\0')
    error_set(error, CCH_ERROR_STORAGE_FAILED, "rclone was ended by signal %d", exit_code - 128);
  else if (exit_code != 0)
    rclone_set_error(download->rclone, exit_code, complaint, error);
  download_end(download);
  return exit_code == 0;
}

/* Pauses after a failure that may pass. FALSE with the failure if it is one of the others, or there were too many. */
static gboolean
download_may_resume(Download *download, GError *failure, GCancellable *cancellable, GError **error)
{
  if (download->offset == download->bytes || error_code(failure) != CCH_ERROR_STORAGE_AWAY ||
      ++download->n_failures > MAX_FAILURES || ++download->n_resumes > MAX_RESUMES) {
    g_propagate_error(error, failure);
    return FALSE;
  }
  g_error_free(failure);
  return sleep_ms(500 * download->n_failures * download->n_failures, cancellable, error);
}

/* One read. -2: begin again from the offset. */
static gssize
download_try(Download *download, gpointer buffer, gsize size, GCancellable *cancellable, GError **error)
{
  if (download->child == NULL && !download_start(download, cancellable, error))
    return -1;
  GError *failure = NULL;
  if (download_wait(download, cancellable, &failure)) {
    ssize_t n = read(child_process_stdout(download->child), buffer, MIN(size, MAX_READ_BYTES));
    if (n < 0 && errno == EINTR)
      return -2;
    if (n > 0) {
      download->offset += (guint64)n;
      download->n_failures = 0;
      if (download->offset <= download->bytes)
        return n;
      error_set(error, CCH_ERROR_STORAGE_DAMAGED, "%s: more than its %" G_GUINT64_FORMAT " bytes come", download->name,
                download->bytes);
      return -1;
    }
    if (download_judge(download, &failure)) {
      if (download->offset == download->bytes)
        return 0;
      error_set(error, CCH_ERROR_STORAGE_DAMAGED, "%s: %" G_GUINT64_FORMAT " bytes of %" G_GUINT64_FORMAT " come",
                download->name, download->offset, download->bytes);
      return -1;
    }
  }
  download_end(download);
  return download_may_resume(download, failure, cancellable, error) ? -2 : -1;
}

static gssize
download_read(gpointer data, gpointer buffer, gsize size, GCancellable *cancellable, GError **error)
{
  Download *download = data;
  if (download->bytes == 0)
    return 0;
  gssize n = -2;
  while (n == -2)
    n = download_try(download, buffer, size, cancellable, error);
  return n;
}

static void
download_free(gpointer data)
{
  Download *download = data;
  download_end(download);
  g_free(download->name);
  g_free(download);
}

StorageStream *
rclone_stream_open(Rclone *rclone, const char *name, guint64 n_bytes)
{
  static const StorageStreamFuncs funcs = {.read = download_read, .free = download_free};
  Download *download = g_new0(Download, 1);
  download->rclone = rclone;
  download->name = g_strdup(name);
  download->bytes = n_bytes;
  return storage_stream_new(&funcs, download);
}
