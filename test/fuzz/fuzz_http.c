/* A request's bytes: its head, the proxies' headers, and its body, parsed as a whole and byte by byte. */
#include "base/error.h"
#include "http/parse/address.h"
#include "http/parse/body.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Appends the body's content. Returns the number of its bytes, or -1 when they are refused. */
static gssize
take(const HttpHead *head, const guint8 *data, gsize size, gsize step, GByteArray *content)
{
  HttpBody body;
  http_body_init(&body, head);
  gsize taken = 0;
  while (taken < size && body.state != HTTP_BODY_COMPLETE) {
    const guint8 *piece = NULL;
    gsize piece_size = 0;
    gssize n = http_body_take(&body, data + taken, MIN(step, size - taken), &piece, &piece_size, NULL);
    if (n < 0)
      return -1;
    if (n == 0 || (gsize)n > MIN(step, size - taken))
      abort();
    if (piece_size > 0)
      g_byte_array_append(content, piece, (guint)piece_size);
    taken += (gsize)n;
  }
  return (gssize)taken;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  gsize length = 0;
  if (http_head_find_end(data, size, &length) != HTTP_HEAD_COMPLETE || length > HTTP_MAX_HEAD_BYTES)
    return 0;
  g_autoptr(GError) error = NULL;
  g_autoptr(HttpHead) head = http_head_parse(data, length, &error);
  if ((head == NULL) != (error != NULL))
    abort();
  if (head == NULL)
    return 0;
  if (*head->path != '/' || (!head->is_http_1_0 && http_head_field(head, "Host") == NULL))
    abort();
  g_autofree char *client = http_address_forwarded(head);
  g_autofree char *proto = http_address_forwarded_parameter(head, "proto");
  g_autoptr(GByteArray) whole = g_byte_array_new();
  g_autoptr(GByteArray) pieces = g_byte_array_new();
  gssize n = take(head, data + length, size - length, size, whole);
  if (n != take(head, data + length, size - length, 1, pieces) || whole->len != pieces->len)
    abort();
  if (whole->len > 0 && memcmp(whole->data, pieces->data, whole->len) != 0)
    abort();
  return 0;
}
