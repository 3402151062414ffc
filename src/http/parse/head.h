/* The head of an HTTP/1.0 or 1.1 request: request line and header fields (RFC 9112).
 *
 * Anything that two parsers could read differently is refused: bare LF or CR, NUL and other control characters,
 * folded lines, blanks around a name or within the request line, Content-Length twice, as a list or beside
 * Transfer-Encoding, every coding but chunked, no or several Host fields, and a second line of a field that may
 * occur once. */
#pragma once

#include <glib.h>

#define HTTP_MAX_HEAD_BYTES (32 * 1024)
#define HTTP_MAX_FIELDS     128

typedef enum { HTTP_FRAMING_NONE, HTTP_FRAMING_LENGTH, HTTP_FRAMING_CHUNKED } HttpFraming;

typedef struct {
  const char *name, *value;
} HttpField;

typedef struct {
  char *text;         /* all other pointers are into it */
  gsize size;         /* bytes of the text */
  const char *method; /* "GET" */
  const char *path;   /* as sent, still percent-encoded, without the query */
  const char *query;  /* without '?'; NULL: none */
  gboolean is_http_1_0;
  gboolean wants_close;      /* the connection ends after this request */
  gboolean expects_continue; /* Expect: 100-continue */
  GArray *fields;            /* of HttpField, in their order */
  HttpFraming framing;
  guint64 content_length; /* with HTTP_FRAMING_LENGTH */
} HttpHead;

typedef enum { HTTP_HEAD_INCOMPLETE, HTTP_HEAD_COMPLETE, HTTP_HEAD_MALFORMED } HttpHeadEnd;

/* Looks for the empty line that ends the head. `scanned`, 0 at first, remembers where to continue; once COMPLETE, it
 * is the head's length. */
HttpHeadEnd http_head_find_end(const guint8 *data, gsize size, gsize *scanned);

/* Parses a complete head with its empty line. REQUEST_INVALID. */
HttpHead *http_head_parse(const guint8 *data, gsize size, GError **error);
void http_head_free(HttpHead *head);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpHead, http_head_free)

/* The first field with this name, in any case; NULL if absent. */
const char *http_head_field(const HttpHead *head, const char *name);

/* Whether `line` (without its CRLF) is a well-formed field; also used for the trailers of a chunked body. */
gboolean http_field_is_valid(const char *line, gsize length);
