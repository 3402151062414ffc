/* Upload bodies through the real server: http/parse/head.c, body.c, multipart.c. The first byte is the size of the
 * pieces in which the body is sent, the rest is the body with boundary BOUNDARY. */
#include "base/log.h"
#include "upload_server.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static UploadServer *server;
  if (server == NULL) {
    log_set_level(LOG_ERROR);
    server = upload_server_new(10);
  }
  if (size < 2)
    return 0;
  g_autofree char *answer = upload_server_exchange(server, data + 1, size - 1, (gsize)data[0] + 1);
  /* For any body the client gets an answer, and nothing is left over. */
  if (!g_str_has_prefix(answer, "HTTP/1.1 200 ") && !g_str_has_prefix(answer, "HTTP/1.1 400 ") &&
      !g_str_has_prefix(answer, "HTTP/1.1 413 ")) {
    g_printerr("%s\n", answer);
    abort();
  }
  if (upload_server_n_open(server) != 0)
    abort();
  return 0;
}
