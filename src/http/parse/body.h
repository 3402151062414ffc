/* Finds the end of a request's body: Content-Length or chunks (RFC 9112, 6 and 7), parsed strictly.
 *
 * Chunk extensions and trailers are checked and ignored. */
#pragma once

#include "http/parse/head.h"

typedef struct {
  enum {
    HTTP_BODY_DATA, /* of Content-Length, or of a chunk */
    HTTP_BODY_SIZE_LINE,
    HTTP_BODY_DATA_END, /* the CRLF after a chunk */
    HTTP_BODY_TRAILERS,
    HTTP_BODY_COMPLETE
  } state;
  gboolean is_chunked;
  guint64 left;   /* bytes left in DATA */
  char line[512]; /* a size line or a trailer, as far as received */
  gsize line_length;
  gsize trailer_bytes;
} HttpBody;

void http_body_init(HttpBody *body, const HttpHead *head);

/* Takes bytes as they arrive and finds the next piece of content, which `ret_piece` and `ret_piece_size` (0: none
 * yet) give within `data`. Returns the number of bytes taken: call again with the rest until the body is complete or
 * nothing is left; -1 with REQUEST_INVALID. */
gssize http_body_take(HttpBody *body, const guint8 *data, gsize size, const guint8 **ret_piece, gsize *ret_piece_size,
                      GError **error);
