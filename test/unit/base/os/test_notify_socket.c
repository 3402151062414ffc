#include "base/os/notify_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
/* cmocka.h needs the first four. */
#include <cmocka.h>

/* A manager's socket of this name; "@…" is in the abstract namespace. */
static int
listen_at(const char *name)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  gsize length = strlen(name);
  assert_true(length < sizeof address.sun_path);
  memcpy(address.sun_path, name, length);
  if (name[0] == '@')
    address.sun_path[0] = '\0';
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                   0);
  return fd;
}

static void
assert_received(int fd, const char *expected)
{
  char text[256];
  ssize_t length = recv(fd, text, sizeof text - 1, 0);
  assert_true(length >= 0);
  text[length] = '\0';
  assert_string_equal(text, expected);
}

static void
reaches_a_manager_at(const char *name)
{
  int fd = listen_at(name);
  g_setenv("NOTIFY_SOCKET", name, TRUE);
  g_setenv("WATCHDOG_USEC", "30000000", TRUE);
  g_autofree char *pid = g_strdup_printf("%d", getpid());
  g_setenv("WATCHDOG_PID", pid, TRUE);
  g_auto(NotifySocket) notify = {0};
  notify_socket_take(&notify);
  assert_int_equal(notify.watchdog_ms, 30000);
  assert_null(g_getenv("NOTIFY_SOCKET"));
  assert_null(g_getenv("WATCHDOG_USEC"));
  assert_true(notify_socket_send(&notify, "READY=1\nSTATUS=here"));
  assert_received(fd, "READY=1\nSTATUS=here");
  close(fd);
  assert_false(notify_socket_send(&notify, "READY=1"));
}

static void
reaches_a_manager(void **state)
{
  (void)state;
  g_autofree char *directory = g_dir_make_tmp("notify-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(directory, "socket", NULL);
  g_autofree char *abstract = g_strdup_printf("@cch-data-test-%d", getpid());
  reaches_a_manager_at(path);
  reaches_a_manager_at(abstract);
  unlink(path);
  rmdir(directory);
}

static void
is_silent_without_a_manager(void **state)
{
  (void)state;
  const char *const bad[] = {"relative/path", "", "vsock:2:1"};
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_auto(NotifySocket) notify = {0};
    g_setenv("NOTIFY_SOCKET", bad[i], TRUE);
    notify_socket_take(&notify);
    assert_null(notify.path);
    assert_false(notify_socket_send(&notify, "READY=1"));
  }
  g_auto(NotifySocket) notify = {0};
  notify_socket_take(&notify);
  assert_false(notify_socket_send(&notify, "READY=1"));
  g_autofree char *name = g_strnfill(200, 'x');
  name[0] = '/';
  g_auto(NotifySocket) too_long = {.path = g_strdup(name)};
  assert_false(notify_socket_send(&too_long, "READY=1"));
}

static void
ignores_a_watchdog_of_others(void **state)
{
  (void)state;
  const char *const others[][2] = {{"30000000", "1"}, {"30000000", "me"}, {"soon", NULL}, {"-5", NULL}, {"0", NULL}};
  for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
    g_setenv("NOTIFY_SOCKET", "/run/nothing", TRUE);
    g_setenv("WATCHDOG_USEC", others[i][0], TRUE);
    if (others[i][1] != NULL)
      g_setenv("WATCHDOG_PID", others[i][1], TRUE);
    g_auto(NotifySocket) notify = {0};
    notify_socket_take(&notify);
    assert_int_equal(notify.watchdog_ms, 0);
  }
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reaches_a_manager),
      cmocka_unit_test(is_silent_without_a_manager),
      cmocka_unit_test(ignores_a_watchdog_of_others),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
