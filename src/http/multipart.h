/* Parses a multipart/form-data body (RFC 7578) as it arrives, in constant memory: fields and files are passed on
 * piece by piece. */
#pragma once

#include "http/handler.h"

typedef struct HttpMultipart HttpMultipart;

#define MULTIPART_MAX_PARTS 128

/* Every function returns FALSE with an error set to refuse the whole body. */
typedef struct {
  /* A part begins. `file_name` is NULL for a plain field. */
  gboolean (*begin)(gpointer user_data, const char *name, const char *file_name, GError **error);
  gboolean (*data)(gpointer user_data, const guint8 *data, gsize size, GError **error);
} MultipartSink;

/* REQUEST_MEDIA_TYPE if the request's body is not multipart. */
HttpMultipart *http_multipart_new(HttpRequest *request, const MultipartSink *sink, gpointer user_data, GError **error);
void http_multipart_free(HttpMultipart *multipart);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpMultipart, http_multipart_free)

/* The sink's error, or REQUEST_INVALID for malformed multipart. */
gboolean http_multipart_write(HttpMultipart *multipart, const guint8 *data, gsize size, GError **error);

/* REQUEST_INVALID if the body ended before its closing boundary. */
gboolean http_multipart_end(HttpMultipart *multipart, GError **error);
