#include "http/internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

void
http_output_clear(HttpOutput *output)
{
  if (output->text != NULL)
    g_string_free(output->text, TRUE);
  *output = (HttpOutput){0};
}

HttpOutputResult
http_output_send(HttpOutput *output, int fd)
{
  gsize text_size = output->text != NULL ? output->text->len : 0;
  while (output->sent < text_size + output->body_size) {
    struct iovec parts[2];
    struct msghdr message = {.msg_iov = parts};
    gsize body_sent = output->sent > text_size ? output->sent - text_size : 0;
    if (output->sent < text_size)
      parts[message.msg_iovlen++] = (struct iovec){output->text->str + output->sent, text_size - output->sent};
    if (body_sent < output->body_size)
      parts[message.msg_iovlen++] = (struct iovec){(char *)output->body + body_sent, output->body_size - body_sent};
    ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno == EAGAIN || errno == EWOULDBLOCK ? HTTP_OUTPUT_BLOCKED : HTTP_OUTPUT_BROKEN;
    output->sent += (gsize)n;
  }
  return HTTP_OUTPUT_DONE;
}

gboolean
http_wait_for_client(HttpRequest *request, short events, int timeout_ms, gboolean *ret_is_late)
{
  struct pollfd polls[2] = {{.fd = request->connection->fd, .events = events}, {.fd = -1}};
  GPollFD cancelled = {0};
  gboolean has_cancelled = g_cancellable_make_pollfd(request->cancellable, &cancelled);
  if (has_cancelled) {
    polls[1].fd = cancelled.fd;
    polls[1].events = POLLIN;
  }
  int n = (int)TEMP_FAILURE_RETRY(poll(polls, G_N_ELEMENTS(polls), timeout_ms));
  if (has_cancelled)
    g_cancellable_release_fd(request->cancellable);
  *ret_is_late = n == 0;
  return n > 0 && polls[1].revents == 0;
}
