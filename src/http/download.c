/* Sends a download: the output, then the response's stream, block by block. */
#include "http/internal.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define STREAM_BLOCK_BYTES (64 * 1024)

/* Sends all of the output. FALSE if the client has left, or accepts nothing for too long: the source of a download
 * may hold locks that others wait for. */
static gboolean
send_output(HttpRequest *request)
{
  HttpConnection *connection = request->connection;
  guint timeout_s = http_server_options(request->server)->download_idle_timeout_s;
  for (;;) {
    HttpOutputResult result = http_output_send(&connection->output, connection->fd);
    gboolean is_late;
    if (result != HTTP_OUTPUT_BLOCKED)
      return result == HTTP_OUTPUT_DONE;
    if (!http_wait_for_client(request, POLLOUT, timeout_s > 0 ? (int)timeout_s * 1000 : -1, &is_late)) {
      if (is_late)
        request->failure = g_strdup_printf("the client took nothing for %u seconds", timeout_s);
      return FALSE;
    }
  }
}

/* Over HTTP/1.0 a download ends with its connection, and only a reset shows that it is incomplete. Disconnecting
 * resets at once; closing would first send the rest. */
static void
reset_connection(int fd)
{
  const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
  const struct linger hard = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  if (connect(fd, &nowhere, sizeof nowhere) != 0)
    shutdown(fd, SHUT_RDWR);
}

static GString *
last_chunk(const HttpResponse *response)
{
  GString *text = g_string_new("0\r\n");
  for (guint i = 0; response->trailers != NULL && i < response->trailers->len; i++) {
    const HttpHeader *trailer = &g_array_index(response->trailers, HttpHeader, i);
    g_string_append_printf(text, "%s: %s\r\n", trailer->name, trailer->value);
  }
  g_string_append(text, "\r\n");
  return text;
}

/* Sends the download block by block, as fast as it is produced and read. FALSE if it broke off. */
static gboolean
send_blocks(HttpRequest *request, guint8 *block)
{
  HttpResponse *response = request->response;
  HttpOutput *output = &request->connection->output;
  gboolean is_chunked = http_response_is_chunked(request, response);
  if (!send_output(request))
    return FALSE;
  for (;;) {
    g_autoptr(GError) error = NULL;
    gssize n = response->read(response->stream, block, STREAM_BLOCK_BYTES, &error);
    http_output_clear(output);
    if (n < 0) {
      request->failure = g_strdup(error->message);
      return FALSE;
    }
    if (n == 0) {
      output->text = is_chunked ? last_chunk(response) : NULL;
      return send_output(request);
    }
    output->text = g_string_new(NULL);
    if (is_chunked)
      g_string_printf(output->text, "%" G_GSIZE_MODIFIER "x\r\n", (gsize)n);
    output->body = (const char *)block;
    /* The CRLF of the chunk follows the block. */
    memcpy(block + n, "\r\n", 2);
    output->body_size = (gsize)n + (is_chunked ? 2 : 0);
    if (!send_output(request))
      return FALSE;
    request->sent_bytes += (guint64)n;
  }
}

gboolean
http_download_send(HttpRequest *request)
{
  g_autofree guint8 *block = g_malloc(STREAM_BLOCK_BYTES + 2);
  gboolean is_sent = http_request_is_head(request) ? send_output(request) : send_blocks(request, block);
  if (!is_sent && !http_response_is_chunked(request, request->response))
    reset_connection(request->connection->fd);
  http_output_clear(&request->connection->output); /* the block is no longer valid */
  return is_sent;
}
