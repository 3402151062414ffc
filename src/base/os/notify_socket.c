#include "base/os/notify_socket.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static guint
watchdog_ms(void)
{
  const char *text = g_getenv("WATCHDOG_USEC"), *pid = g_getenv("WATCHDOG_PID");
  guint64 interval_us = 0, owner = 0;
  if (text == NULL ||
      !g_ascii_string_to_unsigned(text, 10, 1000, G_MAXUINT * G_GUINT64_CONSTANT(1000), &interval_us, NULL))
    return 0;
  if (pid != NULL && (!g_ascii_string_to_unsigned(pid, 10, 1, G_MAXINT, &owner, NULL) || (pid_t)owner != getpid()))
    return 0;
  return (guint)(interval_us / 1000);
}

void
notify_socket_take(NotifySocket *ret_socket)
{
  const char *path = g_getenv("NOTIFY_SOCKET");
  gboolean is_path = path != NULL && (*path == '/' || *path == '@');
  *ret_socket = (NotifySocket){is_path ? g_strdup(path) : NULL, is_path ? watchdog_ms() : 0};
  g_unsetenv("NOTIFY_SOCKET");
  g_unsetenv("WATCHDOG_USEC");
  g_unsetenv("WATCHDOG_PID");
}

void
notify_socket_clear(NotifySocket *socket)
{
  g_clear_pointer(&socket->path, g_free);
  socket->watchdog_ms = 0;
}

gboolean
notify_socket_send(const NotifySocket *notify, const char *state)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  gsize length = notify->path != NULL ? strlen(notify->path) : 0;
  if (length == 0 || length >= sizeof address.sun_path)
    return FALSE;
  memcpy(address.sun_path, notify->path, length);
  if (address.sun_path[0] == '@')
    address.sun_path[0] = '\0'; /* the abstract namespace */
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return FALSE;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  gboolean is_sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size) >= 0;
  close(fd);
  return is_sent;
}
