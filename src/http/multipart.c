#include "http/multipart.h"

#include "base/error.h"
#include "http/internal.h"

#include <string.h>

struct HttpMultipart {
  struct MHD_PostProcessor *processor;
  const MultipartSink *sink;
  gpointer user_data;
  char *name, *file_name; /* of the part being read */
  guint64 part_bytes;
  guint n_parts;
  GError *problem; /* why the iterator stopped */
};

/* The first piece of a part may be empty and then comes again at offset 0. */
static gboolean
is_same_part(const HttpMultipart *multipart, const char *name, const char *file_name)
{
  return multipart->n_parts > 0 && multipart->part_bytes == 0 && strcmp(multipart->name, name) == 0 &&
         g_strcmp0(multipart->file_name, file_name) == 0;
}

static gboolean
begin_part(HttpMultipart *multipart, const char *name, const char *file_name)
{
  if (++multipart->n_parts > MULTIPART_MAX_PARTS) {
    error_set(&multipart->problem, CCH_ERROR_REQUEST_INVALID, "more than %d parts", MULTIPART_MAX_PARTS);
    return FALSE;
  }
  g_free(multipart->name);
  g_free(multipart->file_name);
  multipart->name = g_strdup(name);
  multipart->file_name = g_strdup(file_name);
  multipart->part_bytes = 0;
  return multipart->sink->begin(multipart->user_data, name, file_name, &multipart->problem);
}

static enum MHD_Result
on_piece(void *cls, enum MHD_ValueKind kind, const char *name, const char *file_name, const char *content_type,
         const char *transfer_encoding, const char *data, uint64_t offset, size_t size)
{
  (void)kind;
  (void)content_type;
  HttpMultipart *multipart = cls;
  if (name == NULL) {
    error_set(&multipart->problem, CCH_ERROR_REQUEST_INVALID, "a part without a name");
    return MHD_NO;
  }
  if (transfer_encoding != NULL && g_ascii_strcasecmp(transfer_encoding, "binary") != 0 &&
      g_ascii_strcasecmp(transfer_encoding, "8bit") != 0 && g_ascii_strcasecmp(transfer_encoding, "7bit") != 0) {
    error_set(&multipart->problem, CCH_ERROR_REQUEST_INVALID, "a part with an encoding of its own");
    return MHD_NO;
  }
  if (offset == 0 && !is_same_part(multipart, name, file_name) && !begin_part(multipart, name, file_name))
    return MHD_NO;
  multipart->part_bytes += size;
  if (size == 0)
    return MHD_YES;
  return multipart->sink->data(multipart->user_data, (const guint8 *)data, size, &multipart->problem) ? MHD_YES
                                                                                                      : MHD_NO;
}

HttpMultipart *
http_multipart_new(HttpRequest *request, const MultipartSink *sink, gpointer user_data, GError **error)
{
  const char *type = http_request_header(request, "Content-Type");
  const char *wanted = "multipart/form-data";
  gboolean is_multipart = type != NULL && g_ascii_strncasecmp(type, wanted, strlen(wanted)) == 0;
  g_autoptr(HttpMultipart) multipart = g_new0(HttpMultipart, 1);
  multipart->sink = sink;
  multipart->user_data = user_data;
  if (is_multipart)
    multipart->processor = MHD_create_post_processor(request->connection, MULTIPART_BUFFER_BYTES, on_piece, multipart);
  if (multipart->processor == NULL) {
    error_set(error, CCH_ERROR_REQUEST_MEDIA_TYPE, "the body must be multipart/form-data with a boundary");
    return NULL;
  }
  return g_steal_pointer(&multipart);
}

void
http_multipart_free(HttpMultipart *multipart)
{
  if (multipart == NULL)
    return;
  MHD_destroy_post_processor(multipart->processor);
  g_clear_error(&multipart->problem);
  g_free(multipart->name);
  g_free(multipart->file_name);
  g_free(multipart);
}

static gboolean
fail(HttpMultipart *multipart, const char *reason, GError **error)
{
  if (multipart->problem != NULL)
    g_propagate_error(error, g_steal_pointer(&multipart->problem));
  else
    error_set(error, CCH_ERROR_REQUEST_INVALID, "%s", reason);
  return FALSE;
}

gboolean
http_multipart_write(HttpMultipart *multipart, const guint8 *data, gsize size, GError **error)
{
  if (MHD_post_process(multipart->processor, (const char *)data, size) == MHD_YES)
    return TRUE;
  return fail(multipart, "the body is not well-formed multipart/form-data", error);
}

gboolean
http_multipart_end(HttpMultipart *multipart, GError **error)
{
  if (MHD_destroy_post_processor(g_steal_pointer(&multipart->processor)) == MHD_YES && multipart->problem == NULL)
    return TRUE;
  return fail(multipart, "the body ended before its closing boundary", error);
}
