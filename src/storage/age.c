#include "storage/age.h"

#include "base/error.h"
#include "base/os/child.h"
#include "base/os/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define AGE_PROGRAM      "age"
#define KEYGEN_PROGRAM   "age-keygen"
#define RUN_TIMEOUT_MS   20000
#define SILENCE_MS       (10 * 60 * 1000) /* age takes or gives nothing for so long */
#define END_GRACE_MS     1000
#define PUMP_BYTES       (64 * 1024)
#define NATIVE_KEY_BYTES 62
#define MAX_SSH_BYTES    4096
#define SECRET_PREFIX    "AGE-SECRET-KEY-1"

static gboolean
age_is_installed(const char *program, GError **error)
{
  g_autofree char *path = g_find_program_in_path(program);
  if (path == NULL)
    error_set_explained(error, CCH_ERROR_STORAGE_TOOL_MISSING, TEXT_STORAGE_NO_AGE, "%s is not installed", program);
  return path != NULL;
}

typedef char *SecretText; /* overwritten when it is freed */

static void
secret_free(char *secret)
{
  if (secret != NULL)
    sodium_memzero(secret, strlen(secret));
  g_free(secret);
}
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(SecretText, secret_free, NULL)

/* The first line of the text that begins with the prefix; NULL if there is none. */
static char *
line_with(const char *text, const char *prefix)
{
  g_auto(GStrv) lines = g_strsplit_set(text, "\r\n", -1);
  char *found = NULL;
  for (char **line = lines; *line != NULL; line++) {
    if (found == NULL && g_str_has_prefix(*line, prefix))
      found = g_strdup(g_strchomp(*line));
    sodium_memzero(*line, strlen(*line));
  }
  return found;
}

gboolean
age_keygen(char **ret_secret, char **ret_public, GError **error)
{
  if (!age_is_installed(KEYGEN_PROGRAM, error))
    return FALSE;
  const ChildOptions options = {.argv = (const char *const[]){KEYGEN_PROGRAM, NULL}, .run_timeout_ms = RUN_TIMEOUT_MS};
  g_auto(SecretText) output = child_process_run(&options, NULL, error);
  if (output == NULL)
    return FALSE;
  g_auto(SecretText) secret = line_with(output, SECRET_PREFIX);
  g_autofree char *public_line = line_with(output, "# public key: ");
  if (secret == NULL || public_line == NULL) {
    error_set(error, CCH_ERROR_CHILD_FAILED, KEYGEN_PROGRAM " wrote no pair of keys");
    return FALSE;
  }
  *ret_public = g_strdup(public_line + strlen("# public key: "));
  *ret_secret = g_steal_pointer(&secret);
  return TRUE;
}

char *
age_public_key(const char *secret, GError **error)
{
  if (!age_is_installed(KEYGEN_PROGRAM, error))
    return NULL;
  g_auto(SecretText) line = line_with(secret, SECRET_PREFIX);
  int fd = line != NULL ? memory_file_new("age", line, strlen(line), error) : -1;
  if (line != NULL && fd < 0)
    return NULL;
  const ChildOptions options = {
      .argv = (const char *const[]){KEYGEN_PROGRAM, "-y", NULL}, .stdin_fd = fd, .run_timeout_ms = RUN_TIMEOUT_MS};
  /* Its complaint would quote the secret. */
  g_autofree char *output = line != NULL ? child_process_run(&options, NULL, NULL) : NULL;
  if (fd >= 0)
    close(fd);
  if (output == NULL) {
    error_set(error, CCH_ERROR_AGE_WRONG_KEY, "this is not a secret key (" SECRET_PREFIX "…)");
    return NULL;
  }
  return g_strdup(g_strchomp(output));
}

/* Native keys and SSH keys only: any other name would start a program age-plugin-NAME. */
static gboolean
recipient_has_form(const char *text)
{
  gsize length = strlen(text);
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isprint(*p))
      return FALSE;
  if (g_str_has_prefix(text, "age1"))
    return length == NATIVE_KEY_BYTES && strchr(text + strlen("age1"), '1') == NULL;
  return length <= MAX_SSH_BYTES && (g_str_has_prefix(text, "ssh-ed25519 ") || g_str_has_prefix(text, "ssh-rsa "));
}

gboolean
age_recipient_check(const char *text, GError **error)
{
  if (!recipient_has_form(text)) {
    g_autofree char *shown = text_visible(text);
    error_set(error, CCH_ERROR_AGE_RECIPIENT, "%.100s", shown);
    return FALSE;
  }
  if (!age_is_installed(AGE_PROGRAM, error))
    return FALSE;
  const ChildOptions options = {.argv = (const char *const[]){AGE_PROGRAM, "--encrypt", "-r", text, NULL},
                                .run_timeout_ms = RUN_TIMEOUT_MS};
  g_autofree char *nothing = child_process_run(&options, NULL, NULL);
  if (nothing == NULL)
    error_set(error, CCH_ERROR_AGE_RECIPIENT, "%.100s: a character is wrong", text);
  return nothing != NULL;
}

/* What age said, without its prefix and its advice where to report it. */
static char *
age_complaint(ChildProcess *child)
{
  g_autofree char *text = child_process_stderr(child);
  char *line_end = strchr(text, '\n');
  if (line_end != NULL)
    *line_end = '\0';
  const char *prefix = "age: error: ";
  return text_visible(g_str_has_prefix(text, prefix) ? text + strlen(prefix) : text);
}

/* Waits for one event of the descriptor. FALSE with CANCELLED, or STORAGE_FAILED after a long silence. */
static gboolean
age_wait_for(int fd, short events, GCancellable *cancellable, GError **error)
{
  gint64 deadline_us = g_get_monotonic_time() + (gint64)SILENCE_MS * 1000;
  GPollFD cancel = {.fd = -1};
  gboolean has_cancel_fd = g_cancellable_make_pollfd(cancellable, &cancel);
  struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = cancel.fd, .events = POLLIN}};
  int n;
  do
    n = poll(fds, G_N_ELEMENTS(fds), (int)MAX(0, (deadline_us - g_get_monotonic_time()) / 1000));
  while (n < 0 && errno == EINTR);
  if (has_cancel_fd)
    g_cancellable_release_fd(cancellable);
  if (error_if_cancelled(cancellable, error))
    return FALSE;
  if (fds[0].revents == 0)
    error_set(error, CCH_ERROR_STORAGE_FAILED, "age has been silent for %d minutes", SILENCE_MS / 60000);
  return fds[0].revents != 0;
}

/* Writes all bytes to a non-blocking descriptor. FALSE without an error when the other end is gone. */
static gboolean
write_patiently(int fd, const guint8 *data, gsize size, GCancellable *cancellable, GError **error)
{
  while (size > 0) {
    ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EAGAIN) {
      if (!age_wait_for(fd, POLLOUT, cancellable, error))
        return FALSE;
    } else if (n < 0 && errno != EINTR)
      return FALSE;
    data += MAX(n, 0);
    size -= (gsize)MAX(n, 0);
  }
  return !error_if_cancelled(cancellable, error);
}

struct AgeEncryption {
  ChildProcess *child;
  int fd;
};

AgeEncryption *
age_encrypt_start(const char *const *recipients, int out_fd, GError **error)
{
  guint n_recipients = g_strv_length((char **)recipients);
  if (n_recipients == 0 || n_recipients > AGE_MAX_RECIPIENTS) {
    error_set(error, CCH_ERROR_AGE_RECIPIENT, "1 to %d public keys are expected", AGE_MAX_RECIPIENTS);
    return NULL;
  }
  g_autoptr(GPtrArray) argv = g_ptr_array_new();
  g_ptr_array_add(argv, AGE_PROGRAM);
  g_ptr_array_add(argv, "--encrypt");
  for (guint i = 0; i < n_recipients; i++) {
    if (!recipient_has_form(recipients[i])) {
      g_autofree char *shown = text_visible(recipients[i]);
      error_set(error, CCH_ERROR_AGE_RECIPIENT, "%.100s", shown);
      return NULL;
    }
    g_ptr_array_add(argv, "-r");
    g_ptr_array_add(argv, (gpointer)recipients[i]);
  }
  g_ptr_array_add(argv, NULL);
  if (!age_is_installed(AGE_PROGRAM, error))
    return NULL;
  const ChildOptions options = {.argv = (const char *const *)argv->pdata, .pipe_stdin = TRUE, .stdout_fd = out_fd};
  ChildProcess *child = child_process_spawn(&options, error);
  if (child == NULL)
    return NULL;
  AgeEncryption *encryption = g_new(AgeEncryption, 1);
  *encryption = (AgeEncryption){.child = child, .fd = child_process_take_stdin(child)};
  fcntl(encryption->fd, F_SETFL, O_NONBLOCK);
  return encryption;
}

static void
encryption_set_error(AgeEncryption *encryption, GError **error)
{
  g_autofree char *complaint = age_complaint(encryption->child);
  gboolean is_full = strstr(complaint, "no space left") != NULL || strstr(complaint, "quota exceeded") != NULL;
  error_set(error, is_full ? CCH_ERROR_DISK_FULL : CCH_ERROR_STORAGE_FAILED, "age: %s", complaint);
}

gboolean
age_encrypt_write(AgeEncryption *encryption, gconstpointer data, gsize size, GCancellable *cancellable, GError **error)
{
  GError *failure = NULL;
  if (write_patiently(encryption->fd, data, size, cancellable, &failure))
    return TRUE;
  if (failure == NULL) {
    child_process_wait(encryption->child, END_GRACE_MS, NULL);
    encryption_set_error(encryption, &failure);
  }
  g_propagate_error(error, failure);
  return FALSE;
}

gboolean
age_encrypt_finish(AgeEncryption *encryption, GCancellable *cancellable, GError **error)
{
  if (encryption->fd >= 0)
    close(encryption->fd);
  encryption->fd = -1;
  int exit_code = 0;
  for (gint64 end_us = g_get_monotonic_time() + (gint64)SILENCE_MS * 1000;
       !child_process_wait(encryption->child, 100, &exit_code);) {
    if (error_if_cancelled(cancellable, error))
      return FALSE;
    if (g_get_monotonic_time() > end_us) {
      error_set(error, CCH_ERROR_STORAGE_FAILED, "age does not end");
      return FALSE;
    }
  }
  if (exit_code != 0)
    encryption_set_error(encryption, error);
  return exit_code == 0;
}

void
age_encrypt_free(AgeEncryption *encryption)
{
  if (encryption == NULL)
    return;
  if (encryption->fd >= 0)
    close(encryption->fd);
  child_process_end(encryption->child, END_GRACE_MS);
  g_free(encryption);
}

/* A thread of its own feeds age from the source; the reader takes what age gives. */
typedef struct {
  StorageStream *source;
  ChildProcess *child;
  int fd; /* age's standard input; the pump's */
  GThread *pump;
  GCancellable *stop;
  GError *source_error; /* the pump's, until it is joined */
} Decryption;

static gpointer
decryption_pump(gpointer data)
{
  Decryption *decryption = data;
  g_autofree guint8 *piece = g_malloc(PUMP_BYTES);
  gssize n = 1;
  gboolean is_taken = TRUE;
  while (n > 0 && is_taken) {
    n = storage_stream_read(decryption->source, piece, PUMP_BYTES, decryption->stop, &decryption->source_error);
    is_taken = n <= 0 || write_patiently(decryption->fd, piece, (gsize)n, decryption->stop, NULL);
  }
  close(decryption->fd);
  return NULL;
}

static void
decryption_join(Decryption *decryption)
{
  GThread *pump = g_steal_pointer(&decryption->pump);
  if (pump != NULL)
    g_thread_join(pump);
}

/* age has closed its output. 0 if all is well, otherwise -1 with an error. */
static gssize
decryption_end(Decryption *decryption, GError **error)
{
  int exit_code = 0;
  if (!child_process_wait(decryption->child, SILENCE_MS, &exit_code)) {
    error_set(error, CCH_ERROR_STORAGE_FAILED, "age does not end");
    return -1;
  }
  /* After a failure of its own age reads no further, and the source may be long. */
  if (exit_code != 0)
    g_cancellable_cancel(decryption->stop);
  decryption_join(decryption);
  g_autofree char *complaint = age_complaint(decryption->child);
  if (decryption->source_error != NULL && error_code(decryption->source_error) != CCH_ERROR_CANCELLED)
    g_propagate_error(error, g_steal_pointer(&decryption->source_error));
  else if (exit_code == 0)
    return 0;
  else if (strstr(complaint, "no identity matched") != NULL)
    error_set(error, CCH_ERROR_AGE_WRONG_KEY, "age: %s", complaint);
  else if (strstr(complaint, "/dev/fd/3") != NULL) /* it would quote the secret */
    error_set(error, CCH_ERROR_AGE_WRONG_KEY, "age cannot read the secret key; it is malformed, or has a passphrase");
  else
    error_set(error, CCH_ERROR_STORAGE_DAMAGED, "age: %s", complaint);
  return -1;
}

static gssize
decryption_read(gpointer data, gpointer buffer, gsize size, GCancellable *cancellable, GError **error)
{
  Decryption *decryption = data;
  int fd = child_process_stdout(decryption->child);
  for (;;) {
    if (!age_wait_for(fd, POLLIN, cancellable, error))
      return -1;
    ssize_t n = read(fd, buffer, size);
    if (n == 0)
      return decryption_end(decryption, error);
    if (n > 0)
      return n;
    if (errno != EINTR) {
      error_set_errno(error, errno, "read from age");
      return -1;
    }
  }
}

static void
decryption_free(gpointer data)
{
  Decryption *decryption = data;
  g_cancellable_cancel(decryption->stop);
  decryption_join(decryption);
  child_process_end(decryption->child, END_GRACE_MS);
  storage_stream_free(decryption->source);
  g_object_unref(decryption->stop);
  g_clear_error(&decryption->source_error);
  g_free(decryption);
}

static gboolean
identity_check(const char *identity, GError **error)
{
  if (identity == NULL || *identity == '\0') {
    error_set(error, CCH_ERROR_AGE_NO_KEY, "no secret key was given");
    return FALSE;
  }
  gboolean is_ssh = g_str_has_prefix(identity, "-----BEGIN ");
  g_auto(SecretText) native = line_with(identity, SECRET_PREFIX), plugin = line_with(identity, "AGE-PLUGIN-");
  gboolean is_identity = strlen(identity) <= AGE_MAX_IDENTITY_BYTES && (is_ssh || native != NULL) && plugin == NULL;
  if (!is_identity)
    error_set(error, CCH_ERROR_AGE_WRONG_KEY, "this is not a secret key (" SECRET_PREFIX "…)");
  return is_identity;
}

StorageStream *
age_decrypt(StorageStream *source, const char *identity, GError **error)
{
  static const StorageStreamFuncs funcs = {.read = decryption_read, .free = decryption_free};
  static const char *const argv[] = {AGE_PROGRAM, "--decrypt", "-i", "/dev/fd/3", NULL};
  g_autoptr(StorageStream) taken = source;
  if (!identity_check(identity, error) || !age_is_installed(AGE_PROGRAM, error))
    return NULL;
  int identity_fd = memory_file_new("age", identity, strlen(identity), error);
  if (identity_fd < 0)
    return NULL;
  const ChildOptions options = {.argv = argv, .pipe_stdin = TRUE, .capture_stdout = TRUE, .extra_fd = identity_fd};
  ChildProcess *child = child_process_spawn(&options, error);
  close(identity_fd);
  if (child == NULL)
    return NULL;
  Decryption *decryption = g_new(Decryption, 1);
  *decryption = (Decryption){.source = g_steal_pointer(&taken),
                             .child = child,
                             .fd = child_process_take_stdin(child),
                             .stop = g_cancellable_new()};
  fcntl(decryption->fd, F_SETFL, O_NONBLOCK);
  decryption->pump = g_thread_new("age-pump", decryption_pump, decryption);
  return storage_stream_new(&funcs, decryption);
}
