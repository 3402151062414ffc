#include "http/loop/loop.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* -1 with errno set. */
static int
listen_on(const struct addrinfo *info)
{
  int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
    return fd;
  int saved_errno = errno;
  close(fd);
  errno = saved_errno;
  return -1;
}

/* An unspecified address (0.0.0.0, ::) cannot be opened in a browser: returns this machine's own. */
static char *
url_of(int fd)
{
  struct sockaddr_storage bound;
  socklen_t length = sizeof bound;
  char host[INET6_ADDRSTRLEN];
  if (getsockname(fd, (struct sockaddr *)&bound, &length) != 0)
    return g_strdup("");
  if (bound.ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const void *)&bound;
    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
    return g_strdup_printf("http://[%s]:%u", strcmp(host, "::") == 0 ? "::1" : host, ntohs(in6->sin6_port));
  }
  const struct sockaddr_in *in = (const void *)&bound;
  inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
  return g_strdup_printf("http://%s:%u", strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1" : host, ntohs(in->sin_port));
}

int
http_listen(const char *address, guint16 port, char **ret_url, GError **error)
{
  char service[8];
  g_snprintf(service, sizeof service, "%u", port);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  struct addrinfo *found = NULL;
  int problem = getaddrinfo(address, service, &hints, &found);
  if (problem != 0) {
    error_set(error, CCH_ERROR_CONFIG, "cannot listen on %s: %s", address, gai_strerror(problem));
    return -1;
  }
  int fd = -1;
  for (const struct addrinfo *info = found; info != NULL && fd < 0; info = info->ai_next)
    fd = listen_on(info);
  int saved_errno = errno;
  freeaddrinfo(found);
  if (fd < 0) {
    error_set(error, CCH_ERROR_CONFIG, "cannot listen on %s port %u: %s", address, port, g_strerror(saved_errno));
    return -1;
  }
  *ret_url = url_of(fd);
  return fd;
}
