#include "http/loop/connection.h"

#include <errno.h>
#include <sys/socket.h>

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
