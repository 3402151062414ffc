#include "rclone_support.h"

#include "storage/stream.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

char *rclone_directory;
char *rclone_local;
static guint8 *content;

int
make_directory(void **state)
{
  (void)state;
  signal(SIGPIPE, SIG_IGN);
  rclone_directory = g_dir_make_tmp("rclone-XXXXXX", NULL);
  rclone_local = g_build_filename(rclone_directory, "local.dump", NULL);
  content = g_malloc(FILE_BYTES);
  for (gsize i = 0; i < FILE_BYTES; i++)
    content[i] = (guint8)(i * 7 + i / 257);
  return g_file_set_contents(rclone_local, (char *)content, FILE_BYTES, NULL) ? 0 : -1;
}

int
remove_directory(void **state)
{
  (void)state;
  g_autofree char *command = g_strdup_printf("rm -rf '%s'", rclone_directory);
  int status = system(command);
  g_free(rclone_directory);
  g_free(rclone_local);
  g_free(content);
  return status;
}

guint
free_port(void)
{
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  close(fd);
  return ntohs(address.sin_port);
}

static void
await_port(guint port)
{
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((guint16)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (guint i = 0; i < 300; i++) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = connect(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    if (result == 0)
      return;
    g_usleep(50000);
  }
  fail_msg("no server on port %u", port);
}

ChildProcess *
serve(guint port, const char *const *argv)
{
  g_autoptr(GError) error = NULL;
  const ChildOptions options = {.argv = argv, .environment = (const char *const[]){"RCLONE_CONFIG=/dev/null", NULL}};
  ChildProcess *server = child_process_spawn(&options, &error);
  if (server == NULL)
    fail_msg("%s", error->message);
  await_port(port);
  return server;
}

char *
make_folder(const char *name)
{
  char *path = g_build_filename(rclone_directory, name, NULL);
  assert_int_equal(g_mkdir_with_parents(path, 0700), 0);
  return path;
}

Storage *
open_storage(const char *kind, json_t *settings, json_t *secrets, guint64 bandwidth_bytes_s)
{
  g_autoptr(json_t) given = settings, hidden = secrets;
  g_autoptr(GError) error = NULL;
  Storage *storage = storage_open(
      &(StorageOptions){.kind = kind, .settings = given, .secrets = hidden, .bandwidth_bytes_s = bandwidth_bytes_s},
      &error);
  if (storage == NULL)
    fail_msg("%s", error->message);
  return storage;
}

void
assert_fails(gboolean result, GError **error, ErrorCode code)
{
  assert_false(result);
  assert_non_null(*error);
  if (error_code(*error) != code)
    fail_msg("%s: %s", error_info(*error)->code, (*error)->message);
  assert_null(strstr((*error)->message, "top-secret"));
  g_clear_error(error);
}

void
assert_ok(gboolean result, GError **error)
{
  if (*error != NULL)
    fail_msg("%s: %s", error_info(*error)->code, (*error)->message);
  if (!result)
    fail_msg("it failed, and set no error");
}

gssize
read_back(Storage *storage, GError **error)
{
  guint64 size = 0;
  g_autoptr(StorageStream) stream = storage_get(storage, NAME, &size, NULL, error);
  g_autofree guint8 *piece = g_malloc(100000);
  gssize done = 0;
  for (gssize n = 1; n > 0; done += n) {
    n = stream != NULL ? storage_stream_read(stream, piece, 100000, NULL, error) : -1;
    if (n < 0)
      return -1;
    assert_true(done + n <= FILE_BYTES);
    assert_int_equal(memcmp(piece, content + done, (gsize)n), 0);
  }
  assert_int_equal(size, FILE_BYTES);
  return done;
}

GPtrArray *
list_all(Storage *storage)
{
  g_autoptr(GError) error = NULL;
  GPtrArray *files = storage_list(storage, NULL, NULL, &error);
  assert_ok(files != NULL, &error);
  return files;
}

void
assert_empty(Storage *storage)
{
  g_autoptr(GPtrArray) files = list_all(storage);
  if (files->len != 0)
    fail_msg("%s is left", ((StorageFile *)files->pdata[0])->name);
}

Storage *
open_webdav(guint port, const char *path, const char *password, guint64 bandwidth_bytes_s)
{
  g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u", port);
  return open_storage("webdav", json_pack("{s:s, s:s, s:s}", "url", url, "user", "me", "path", path),
                      json_pack("{s:s}", "password", password), bandwidth_bytes_s);
}
