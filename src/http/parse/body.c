#include "http/parse/body.h"

#include "base/error.h"

#include <string.h>

#define MAX_SIZE_DIGITS   15
#define MAX_TRAILER_BYTES (8 * 1024)

void
http_body_init(HttpBody *body, const HttpHead *head)
{
  *body = (HttpBody){.state = HTTP_BODY_COMPLETE, .is_chunked = head->framing == HTTP_FRAMING_CHUNKED};
  if (head->framing == HTTP_FRAMING_LENGTH) {
    body->state = HTTP_BODY_DATA;
    body->left = head->content_length;
  } else if (body->is_chunked) {
    body->state = HTTP_BODY_SIZE_LINE;
  }
}

static gboolean
refuse_body(GError **error, const char *reason)
{
  error_set(error, CCH_ERROR_REQUEST_INVALID, "%s", reason);
  return FALSE;
}

/* Takes bytes of a line up to its CRLF; `ret_is_whole` says whether the CRLF has arrived. The line is then without
 * it. */
static gboolean
take_line(HttpBody *body, const guint8 *data, gsize size, gsize *ret_taken, gboolean *ret_is_whole, GError **error)
{
  *ret_is_whole = FALSE;
  for (gsize i = 0; i < size; i++) {
    char c = (char)data[i];
    gboolean is_after_cr = body->line_length > 0 && body->line[body->line_length - 1] == '\r';
    if (is_after_cr != (c == '\n') || c == '\0')
      return refuse_body(error, "a line of the chunked body does not end with CRLF");
    if (c == '\n') {
      body->line_length--;
      *ret_taken = i + 1;
      *ret_is_whole = TRUE;
      return TRUE;
    }
    if (body->line_length == sizeof body->line)
      return refuse_body(error, "a line of the chunked body is too long");
    body->line[body->line_length++] = c;
  }
  *ret_taken = size;
  return TRUE;
}

/* "1a0" or "1a0;name=value". */
static gboolean
read_size_line(HttpBody *body, GError **error)
{
  gsize digits = 0;
  guint64 chunk_bytes = 0;
  for (; digits < body->line_length && g_ascii_isxdigit(body->line[digits]); digits++) {
    if (digits == MAX_SIZE_DIGITS)
      return refuse_body(error, "a chunk is too large");
    chunk_bytes = chunk_bytes * 16 + (guint64)g_ascii_xdigit_value(body->line[digits]);
  }
  if (digits == 0 || (digits < body->line_length && body->line[digits] != ';'))
    return refuse_body(error, "a chunk's size is no hexadecimal number");
  for (gsize i = digits; i < body->line_length; i++) {
    if ((guchar)body->line[i] < 0x20 || (guchar)body->line[i] == 0x7f)
      return refuse_body(error, "a chunk's extension has a control character");
  }
  body->left = chunk_bytes;
  body->state = chunk_bytes > 0 ? HTTP_BODY_DATA : HTTP_BODY_TRAILERS;
  return TRUE;
}

static gboolean
read_trailer(HttpBody *body, GError **error)
{
  if (body->line_length == 0) {
    body->state = HTTP_BODY_COMPLETE;
    return TRUE;
  }
  body->trailer_bytes += body->line_length;
  if (body->trailer_bytes > MAX_TRAILER_BYTES || !http_field_is_valid(body->line, body->line_length))
    return refuse_body(error, "a trailer is not \"Name: value\", or there are too many");
  return TRUE;
}

static gboolean
read_line(HttpBody *body, GError **error)
{
  if (body->state == HTTP_BODY_SIZE_LINE)
    return read_size_line(body, error);
  if (body->state == HTTP_BODY_TRAILERS)
    return read_trailer(body, error);
  if (body->line_length > 0)
    return refuse_body(error, "a chunk is longer than its size");
  body->state = HTTP_BODY_SIZE_LINE;
  return TRUE;
}

gssize
http_body_take(HttpBody *body, const guint8 *data, gsize size, const guint8 **ret_piece, gsize *ret_piece_size,
               GError **error)
{
  gsize taken = 0;
  *ret_piece_size = 0;
  while (taken < size && body->state != HTTP_BODY_COMPLETE) {
    if (body->state == HTTP_BODY_DATA) {
      *ret_piece = data + taken;
      *ret_piece_size = (gsize)MIN(body->left, (guint64)(size - taken));
      body->left -= *ret_piece_size;
      if (body->left == 0)
        body->state = body->is_chunked ? HTTP_BODY_DATA_END : HTTP_BODY_COMPLETE;
      return (gssize)(taken + *ret_piece_size);
    }
    gsize n = 0;
    gboolean is_whole;
    if (!take_line(body, data + taken, size - taken, &n, &is_whole, error))
      return -1;
    taken += n;
    if (is_whole && !read_line(body, error))
      return -1;
    if (is_whole)
      body->line_length = 0;
  }
  return (gssize)taken;
}
