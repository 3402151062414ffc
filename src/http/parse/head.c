#include "http/parse/head.h"

#include "base/error.h"

#include <string.h>

/* Fields that may occur once: if there are two, some parsers use the first, some the last, some both. */
static const char *const single_fields[] = {
    "Authorization",
    "Content-Length",
    "Content-Type",
    "Expect",
    "Host",
    "Origin",
    "Sec-Fetch-Site",
    "Transfer-Encoding",
    "Upload-Length",
    "Upload-Offset",
    "X-API-Key",
    "X-HTTP-Method-Override",
    NULL,
};

HttpHeadEnd
http_head_find_end(const guint8 *data, gsize size, gsize *scanned)
{
  for (; *scanned < size; (*scanned)++) {
    gsize i = *scanned;
    if (data[i] == '\0')
      return HTTP_HEAD_MALFORMED;
    if (data[i] == '\n' && (i == 0 || data[i - 1] != '\r'))
      return HTTP_HEAD_MALFORMED;
    if (data[i] != '\n' && i > 0 && data[i - 1] == '\r')
      return HTTP_HEAD_MALFORMED;
    if (i >= 3 && data[i] == '\n' && data[i - 2] == '\n') {
      (*scanned)++;
      return HTTP_HEAD_COMPLETE;
    }
  }
  return HTTP_HEAD_INCOMPLETE;
}

static gboolean
is_token_character(char c)
{
  return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static gboolean
is_token(const char *text)
{
  const char *p = text;
  while (is_token_character(*p))
    p++;
  return p > text && *p == '\0';
}

static gboolean
is_value_character(char c)
{
  return c == '\t' || ((guchar)c >= 0x20 && (guchar)c != 0x7f);
}

gboolean
http_field_is_valid(const char *line, gsize length)
{
  gsize name_length = 0;
  while (name_length < length && is_token_character(line[name_length]))
    name_length++;
  if (name_length == 0 || name_length == length || line[name_length] != ':')
    return FALSE;
  for (gsize i = name_length; i < length; i++) {
    if (!is_value_character(line[i]))
      return FALSE;
  }
  return TRUE;
}

static gboolean
refuse_head(GError **error, const char *reason)
{
  error_set(error, CCH_ERROR_REQUEST_INVALID, "%s", reason);
  return FALSE;
}

const char *
http_head_field(const HttpHead *head, const char *name)
{
  for (guint i = 0; i < head->fields->len; i++) {
    const HttpField *field = &g_array_index(head->fields, HttpField, i);
    if (g_ascii_strcasecmp(field->name, name) == 0)
      return field->value;
  }
  return NULL;
}

static gboolean
add_field(HttpHead *head, char *line, GError **error)
{
  if (*line == ' ' || *line == '\t')
    return refuse_head(error, "a header line is folded");
  if (!http_field_is_valid(line, strlen(line)))
    return refuse_head(error, "a header line is not \"Name: value\"");
  if (head->fields->len == HTTP_MAX_FIELDS)
    return refuse_head(error, "more than " G_STRINGIFY(HTTP_MAX_FIELDS) " header lines");
  char *colon = strchr(line, ':');
  *colon = '\0';
  for (const char *const *single = single_fields; *single != NULL; single++) {
    if (g_ascii_strcasecmp(line, *single) == 0 && http_head_field(head, line) != NULL) {
      error_set(error, CCH_ERROR_REQUEST_INVALID, "%s is sent twice", *single);
      return FALSE;
    }
  }
  HttpField field = {line, g_strstrip(colon + 1)};
  g_array_append_val(head->fields, field);
  return TRUE;
}

static gboolean
is_host(const char *text)
{
  return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:[]%")] == '\0';
}

static gboolean
check_host(const HttpHead *head, GError **error)
{
  const char *host = http_head_field(head, "Host");
  if (host == NULL)
    return head->is_http_1_0 || refuse_head(error, "the header Host is missing");
  return is_host(host) || refuse_head(error, "the header Host is no host");
}

static gboolean
read_framing(HttpHead *head, GError **error)
{
  const char *coding = http_head_field(head, "Transfer-Encoding");
  const char *length = http_head_field(head, "Content-Length");
  if (coding != NULL) {
    if (length != NULL)
      return refuse_head(error, "Content-Length stands beside Transfer-Encoding");
    if (head->is_http_1_0 || g_ascii_strcasecmp(coding, "chunked") != 0)
      return refuse_head(error, "Transfer-Encoding is not chunked");
    head->framing = HTTP_FRAMING_CHUNKED;
    return TRUE;
  }
  if (length == NULL)
    return TRUE;
  if (length[strspn(length, "0123456789")] != '\0' ||
      !g_ascii_string_to_unsigned(length, 10, 0, G_MAXINT64, &head->content_length, NULL))
    return refuse_head(error, "Content-Length is no number of bytes");
  head->framing = head->content_length > 0 ? HTTP_FRAMING_LENGTH : HTTP_FRAMING_NONE;
  return TRUE;
}

/* "Connection: close" as a token of any of the lines; HTTP/1.0 always closes. */
static gboolean
wants_close(const HttpHead *head)
{
  for (guint i = 0; i < head->fields->len; i++) {
    const HttpField *field = &g_array_index(head->fields, HttpField, i);
    if (g_ascii_strcasecmp(field->name, "Connection") != 0)
      continue;
    g_auto(GStrv) tokens = g_strsplit(field->value, ",", -1);
    for (char **token = tokens; *token != NULL; token++) {
      if (g_ascii_strcasecmp(g_strstrip(*token), "close") == 0)
        return TRUE;
    }
  }
  return head->is_http_1_0;
}

static gboolean
read_request_line(HttpHead *head, char *line, char **ret_target, GError **error)
{
  g_auto(GStrv) words = g_strsplit(line, " ", -1);
  if (g_strv_length(words) != 3 || !is_token(words[0]) || *words[1] == '\0')
    return refuse_head(error, "the request line is not \"METHOD target HTTP/1.1\"");
  head->is_http_1_0 = strcmp(words[2], "HTTP/1.0") == 0;
  if (!head->is_http_1_0 && strcmp(words[2], "HTTP/1.1") != 0)
    return refuse_head(error, "the protocol is neither HTTP/1.1 nor HTTP/1.0");
  for (const char *p = words[1]; *p != '\0'; p++) {
    if ((guchar)*p <= 0x20 || (guchar)*p >= 0x7f || *p == '#')
      return refuse_head(error, "the request's target has characters that must be percent-encoded");
  }
  line[strlen(words[0])] = '\0';
  head->method = line;
  *ret_target = line + strlen(words[0]) + 1;
  (*ret_target)[strlen(words[1])] = '\0';
  return TRUE;
}

/* "/path?query", or "http://host/path?query" with the host of the Host header. */
static gboolean
read_target(HttpHead *head, char *target, GError **error)
{
  char *scheme_end = strstr(target, "://");
  if (*target != '/' && scheme_end != NULL) {
    char *host = scheme_end + 3;
    char *path = strchr(host, '/');
    const char *wanted = http_head_field(head, "Host");
    if (path == NULL || wanted == NULL || strlen(wanted) != (gsize)(path - host) ||
        g_ascii_strncasecmp(host, wanted, strlen(wanted)) != 0)
      return refuse_head(error, "the request's target names another host than the header Host");
    target = path;
  }
  if (*target != '/')
    return refuse_head(error, "the request's target is no path");
  char *question = strchr(target, '?');
  if (question != NULL) {
    *question = '\0';
    head->query = question + 1;
  }
  head->path = target;
  return TRUE;
}

HttpHead *
http_head_parse(const guint8 *data, gsize size, GError **error)
{
  g_autoptr(HttpHead) head = g_new0(HttpHead, 1);
  head->text = g_strndup((const char *)data, size);
  head->size = size;
  head->fields = g_array_new(FALSE, FALSE, sizeof(HttpField));
  char *target = NULL;
  /* find_end has checked that lines end with CRLF, and that neither character occurs alone. */
  for (char *line = head->text, *end; *line != '\0'; line = end + 2) {
    end = strstr(line, "\r\n");
    if (end == NULL) {
      refuse_head(error, "the head does not end with an empty line");
      return NULL;
    }
    *end = '\0';
    if (end == line)
      break;
    if (target == NULL ? !read_request_line(head, line, &target, error) : !add_field(head, line, error))
      return NULL;
  }
  if (target == NULL) {
    refuse_head(error, "the request line is empty");
    return NULL;
  }
  if (!check_host(head, error) || !read_target(head, target, error) || !read_framing(head, error))
    return NULL;
  const char *expected = http_head_field(head, "Expect");
  head->expects_continue = !head->is_http_1_0 && expected != NULL && g_ascii_strcasecmp(expected, "100-continue") == 0;
  head->wants_close = wants_close(head);
  return g_steal_pointer(&head);
}

void
http_head_free(HttpHead *head)
{
  if (head == NULL)
    return;
  g_array_unref(head->fields);
  g_free(head->text);
  g_free(head);
}
