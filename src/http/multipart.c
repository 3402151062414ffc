#include "http/multipart.h"

#include "base/error.h"

#include <string.h>

#define MAX_BOUNDARY_BYTES 70
#define MAX_HEADER_BYTES   (16 * 1024) /* of a part */

typedef enum { BEFORE_FIRST, AFTER_BOUNDARY, PART_HEADERS, PART_DATA, AFTER_LAST } State;

struct HttpMultipart {
  const MultipartSink *sink;
  gpointer user_data;
  State state;
  char *delimiter; /* "\r\n--boundary" */
  gsize delimiter_length;
  GByteArray *pending; /* undecided bytes: headers, or a possible beginning of a delimiter */
  guint n_parts;
};

/* Parses a header parameter (RFC 9110, 5.6.6): name=value or name="value" after a semicolon; the name in any case.
 * Browsers escape a quote as %22, curl as \"; a lone backslash is literal. NULL if absent; free with g_free. */
static char *
find_parameter(const char *text, const char *name)
{
  const char *p = strchr(text, ';');
  while (p != NULL && *p == ';') {
    p++;
    p += strspn(p, " \t");
    gsize name_length = strcspn(p, "=; \t");
    gboolean is_wanted = name_length == strlen(name) && g_ascii_strncasecmp(p, name, name_length) == 0;
    p += name_length;
    if (*p != '=') {
      p = strchr(p, ';');
      continue;
    }
    p++;
    g_autoptr(GString) value = g_string_new(NULL);
    if (*p == '"') {
      for (p++; *p != '\0' && *p != '"'; p++) {
        if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
          p++;
        g_string_append_c(value, *p);
      }
      if (*p != '"')
        return NULL;
    } else {
      gsize length = strcspn(p, "; \t");
      g_string_append_len(value, p, (gssize)length);
      p += length;
    }
    if (is_wanted)
      return g_strdup(value->str);
    p = strchr(p, ';');
  }
  return NULL;
}

HttpMultipart *
http_multipart_new(HttpRequest *request, const MultipartSink *sink, gpointer user_data, GError **error)
{
  const char *type = http_request_header(request, "Content-Type");
  const char *wanted = "multipart/form-data";
  gboolean is_multipart = type != NULL && g_ascii_strncasecmp(type, wanted, strlen(wanted)) == 0;
  g_autofree char *boundary = is_multipart ? find_parameter(type, "boundary") : NULL;
  if (boundary == NULL || *boundary == '\0' || strlen(boundary) > MAX_BOUNDARY_BYTES) {
    error_set(error, CCH_ERROR_REQUEST_MEDIA_TYPE, "the body must be multipart/form-data with a boundary");
    return NULL;
  }
  HttpMultipart *multipart = g_new0(HttpMultipart, 1);
  multipart->sink = sink;
  multipart->user_data = user_data;
  multipart->delimiter = g_strconcat("\r\n--", boundary, NULL);
  multipart->delimiter_length = strlen(multipart->delimiter);
  multipart->pending = g_byte_array_new();
  /* The first delimiter needs no preceding line. */
  g_byte_array_append(multipart->pending, (const guint8 *)"\r\n", 2);
  return multipart;
}

void
http_multipart_free(HttpMultipart *multipart)
{
  if (multipart == NULL)
    return;
  g_byte_array_unref(multipart->pending);
  g_free(multipart->delimiter);
  g_free(multipart);
}

static gboolean
refuse_body(GError **error, const char *reason)
{
  error_set(error, CCH_ERROR_REQUEST_INVALID, "%s", reason);
  return FALSE;
}

static gboolean
check_encoding(const char *encoding, GError **error)
{
  static const char *const plain[] = {"binary", "8bit", "7bit", NULL};
  for (const char *const *name = plain; *name != NULL; name++) {
    if (g_ascii_strcasecmp(encoding, *name) == 0)
      return TRUE;
  }
  return refuse_body(error, "a part with an encoding of its own");
}

/* `text` has the lines of a part's headers, each with its CRLF. */
static gboolean
begin_part(HttpMultipart *multipart, const char *text, GError **error)
{
  g_autofree char *name = NULL, *file_name = NULL;
  g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    char *colon = strchr(*line, ':');
    if (**line == '\0')
      continue;
    if (colon == NULL || **line == ' ' || **line == '\t')
      return refuse_body(error, "a part's header is not \"Name: value\"");
    *colon = '\0';
    const char *value = g_strstrip(colon + 1);
    if (g_ascii_strcasecmp(*line, "Content-Transfer-Encoding") == 0 && !check_encoding(value, error))
      return FALSE;
    if (g_ascii_strcasecmp(*line, "Content-Disposition") != 0 || g_ascii_strncasecmp(value, "form-data", 9) != 0)
      continue;
    g_free(name);
    g_free(file_name);
    name = find_parameter(value, "name");
    file_name = find_parameter(value, "filename");
  }
  if (name == NULL)
    return refuse_body(error, "a part without a name");
  if (++multipart->n_parts > MULTIPART_MAX_PARTS) {
    error_set(error, CCH_ERROR_REQUEST_INVALID, "more than %d parts", MULTIPART_MAX_PARTS);
    return FALSE;
  }
  multipart->state = PART_DATA;
  return multipart->sink->begin(multipart->user_data, name, file_name, error);
}

/* The length of the end of `data` that may begin a delimiter. */
static gsize
find_beginning(const HttpMultipart *multipart, const guint8 *data, gsize size)
{
  gsize n = MIN(size, multipart->delimiter_length - 1);
  while (n > 0 && (data[size - n] != '\r' || memcmp(data + size - n, multipart->delimiter, n) != 0))
    n--;
  return n;
}

static gboolean
pass_to_sink(HttpMultipart *multipart, const guint8 *data, gsize size, GError **error)
{
  return multipart->state != PART_DATA || size == 0 || multipart->sink->data(multipart->user_data, data, size, error);
}

/* Consumes data up to the next delimiter. Returns the number of bytes consumed; -1 on an error. */
static gssize
take_data(HttpMultipart *multipart, const guint8 *data, gsize size, GError **error)
{
  const guint8 *delimiter = memmem(data, size, multipart->delimiter, multipart->delimiter_length);
  gsize n = delimiter != NULL ? (gsize)(delimiter - data) : size - find_beginning(multipart, data, size);
  if (!pass_to_sink(multipart, data, n, error))
    return -1;
  if (delimiter == NULL)
    return (gssize)n;
  multipart->state = AFTER_BOUNDARY;
  return (gssize)(n + multipart->delimiter_length);
}

/* After a delimiter: "--" ends the body; a line end (with optional blanks before it) begins a part's headers. 0:
 * more bytes are needed. */
static gssize
take_boundary_end(HttpMultipart *multipart, const guint8 *data, gsize size, GError **error)
{
  if (size >= 2 && memcmp(data, "--", 2) == 0) {
    multipart->state = AFTER_LAST;
    return 2;
  }
  gsize n = 0;
  while (n < size && (data[n] == ' ' || data[n] == '\t'))
    n++;
  if (n + 2 <= size && memcmp(data + n, "\r\n", 2) == 0) {
    multipart->state = PART_HEADERS;
    return (gssize)(n + 2);
  }
  gboolean may_become_good = n < MULTIPART_MAX_PARTS && (n == size || (n + 1 == size && data[n] == '\r') ||
                                                         (n == 0 && size == 1 && data[0] == '-'));
  if (may_become_good)
    return 0;
  refuse_body(error, "the body is not well-formed multipart/form-data");
  return -1;
}

static gssize
take_headers(HttpMultipart *multipart, const guint8 *data, gsize size, GError **error)
{
  gsize length = 0;
  if (size < 2 || memcmp(data, "\r\n", 2) != 0) {
    const guint8 *end = memmem(data, size, "\r\n\r\n", 4);
    if (end == NULL && size < MAX_HEADER_BYTES)
      return 0;
    if (end == NULL) {
      refuse_body(error, "a part's headers are too long");
      return -1;
    }
    length = (gsize)(end - data) + 2;
  }
  g_autofree char *text = g_strndup((const char *)data, length);
  return begin_part(multipart, text, error) ? (gssize)(length + 2) : -1;
}

/* Consumes as much as possible. Returns the number of bytes consumed; -1 on an error. */
static gssize
take_all(HttpMultipart *multipart, const guint8 *data, gsize size, GError **error)
{
  gsize done = 0;
  while (done < size) {
    gssize n = 0;
    State before = multipart->state;
    switch (multipart->state) {
    case BEFORE_FIRST:
    case PART_DATA:
      n = take_data(multipart, data + done, size - done, error);
      break;
    case AFTER_BOUNDARY:
      n = take_boundary_end(multipart, data + done, size - done, error);
      break;
    case PART_HEADERS:
      n = take_headers(multipart, data + done, size - done, error);
      break;
    case AFTER_LAST:
      return (gssize)size;
    }
    if (n < 0)
      return -1;
    done += (gsize)n;
    if (multipart->state == before)
      break;
  }
  return (gssize)done;
}

gboolean
http_multipart_write(HttpMultipart *multipart, const guint8 *data, gsize size, GError **error)
{
  GByteArray *pending = multipart->pending;
  gboolean has_pending = pending->len > 0;
  if (has_pending)
    g_byte_array_append(pending, data, (guint)size);
  gssize done =
      has_pending ? take_all(multipart, pending->data, pending->len, error) : take_all(multipart, data, size, error);
  if (done < 0)
    return FALSE;
  if (has_pending)
    g_byte_array_remove_range(pending, 0, (guint)done);
  else
    g_byte_array_append(pending, data + done, (guint)(size - (gsize)done));
  return TRUE;
}

gboolean
http_multipart_end(HttpMultipart *multipart, GError **error)
{
  return multipart->state == AFTER_LAST || refuse_body(error, "the body ended before its closing boundary");
}
