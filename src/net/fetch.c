#include "net/fetch.h"

#include "base/error.h"
#include "net/cancel.h"

#include <curl/curl.h>
#include <string.h>
#include <zlib.h>

enum { MAX_REDIRECTS = 5, CONNECT_TIMEOUT_MS = 10000, HEADER_MAX_BYTES = 1024 };

typedef struct {
  CURL *curl;
  struct curl_slist *headers;
  const FetchRequest *request;
  GCancellable *cancellable;
  FetchAnswer answer;
  char *encoding; /* Content-Encoding and Transfer-Encoding; NULL: none */
  char *framing;
  gboolean is_too_large;
} Transfer;

void
fetch_answer_clear(FetchAnswer *answer)
{
  if (answer->body != NULL)
    g_string_free(answer->body, TRUE);
  g_free(answer->etag);
  g_free(answer->last_modified);
  *answer = (FetchAnswer){0};
}

static void
transfer_clear(Transfer *transfer)
{
  curl_easy_cleanup(transfer->curl);
  curl_slist_free_all(transfer->headers);
  fetch_answer_clear(&transfer->answer);
  g_free(transfer->encoding);
  g_free(transfer->framing);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Transfer, transfer_clear)

gboolean
fetch_status_is_transient(guint status)
{
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

char *
fetch_url_display(const char *url)
{
  g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
  return uri != NULL ? g_uri_to_string_partial(uri, G_URI_HIDE_USERINFO | G_URI_HIDE_QUERY | G_URI_HIDE_FRAGMENT)
                     : g_strdup("(not a URL)");
}

static size_t
take_body(char *data, size_t size, size_t n, void *user_data)
{
  Transfer *transfer = user_data;
  transfer->is_too_large = transfer->answer.body->len + size * n > transfer->request->max_bytes;
  if (transfer->is_too_large)
    return 0;
  g_string_append_len(transfer->answer.body, data, (gssize)(size * n));
  return size * n;
}

/* The value of "name: value\r\n"; NULL for another header. */
static char *
header_value(const char *line, gsize size, const char *name)
{
  gsize length = strlen(name);
  if (size <= length || size > HEADER_MAX_BYTES || line[length] != ':' || g_ascii_strncasecmp(line, name, length) != 0)
    return NULL;
  g_autofree char *value = g_strndup(line + length + 1, size - length - 1);
  return g_utf8_validate(value, -1, NULL) ? g_strdup(g_strstrip(value)) : NULL;
}

static void
keep(char **kept, char *value)
{
  if (value == NULL)
    return;
  g_free(*kept);
  *kept = value;
}

static size_t
take_header(char *line, size_t size, size_t n, void *user_data)
{
  Transfer *transfer = user_data;
  keep(&transfer->answer.etag, header_value(line, size * n, "ETag"));
  keep(&transfer->answer.last_modified, header_value(line, size * n, "Last-Modified"));
  keep(&transfer->encoding, header_value(line, size * n, "Content-Encoding"));
  keep(&transfer->framing, header_value(line, size * n, "Transfer-Encoding"));
  return size * n;
}

static void
add_header(Transfer *transfer, const char *name, const char *value)
{
  if (value == NULL)
    return;
  g_autofree char *line = g_strdup_printf("%s: %s", name, value);
  transfer->headers = curl_slist_append(transfer->headers, line);
}

static void
set_up(Transfer *transfer, const char *url, gint64 deadline_us)
{
  CURL *curl = transfer->curl;
  gint64 left_ms = MAX((deadline_us - g_get_monotonic_time()) / 1000, 1);
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)left_ms);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)MIN(left_ms, CONNECT_TIMEOUT_MS));
  /* libcurl accepts a truncated gzip stream, so the body is unpacked here. */
  curl_easy_setopt(curl, CURLOPT_HTTP_CONTENT_DECODING, 0L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "cch-data/" CCH_VERSION);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
  net_set_cancellable(curl, transfer->cancellable);
}

static gboolean
fail(const char *url, GError **error, const char *what)
{
  g_autofree char *shown = fetch_url_display(url);
  error_set(error, CCH_ERROR_FETCH_FAILED, "%s: %s", shown, what);
  return FALSE;
}

/* Unpacks a body of gzip members, each with its checksum and length at the end, and nothing after the last. */
static gboolean
unpack(GString *body, gsize max_bytes, const char **ret_problem)
{
  g_autoptr(GString) plain = g_string_new(NULL);
  guint8 buffer[64 * 1024];
  z_stream stream = {.next_in = (guint8 *)body->str, .avail_in = (uInt)body->len};
  *ret_problem = "libz cannot be used";
  if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK) /* gzip only */
    return FALSE;
  *ret_problem = NULL;
  int state = Z_OK;
  do {
    stream.next_out = buffer;
    stream.avail_out = sizeof buffer;
    state = inflate(&stream, Z_NO_FLUSH);
    gsize n = sizeof buffer - stream.avail_out;
    if (plain->len + n > max_bytes)
      *ret_problem = "the answer is too large";
    else if (state == Z_BUF_ERROR && stream.avail_in == 0)
      *ret_problem = "the answer was cut: its gzip stream has no end";
    else if (state != Z_OK && state != Z_STREAM_END)
      *ret_problem = "the answer is not gzip, or damaged";
    else if (state == Z_STREAM_END && stream.avail_in > 0)
      inflateReset(&stream);
    g_string_append_len(plain, (const char *)buffer, (gssize)n);
  } while (*ret_problem == NULL && (state != Z_STREAM_END || stream.avail_in > 0));
  inflateEnd(&stream);
  if (*ret_problem != NULL)
    return FALSE;
  g_string_assign(body, "");
  g_string_append_len(body, plain->str, (gssize)plain->len);
  return TRUE;
}

/* Unpacks the body, and determines whether its end is known. */
static gboolean
decode_body(Transfer *transfer, const char *url, GError **error)
{
  curl_off_t length = -1;
  long version = 0;
  curl_easy_getinfo(transfer->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  curl_easy_getinfo(transfer->curl, CURLINFO_HTTP_VERSION, &version);
  /* HTTP/2 and later frame the body. Before, a body without a length lasts until the connection ends for any reason. */
  transfer->answer.is_end_known = length >= 0 || transfer->framing != NULL || version >= CURL_HTTP_VERSION_2_0;
  const char *encoding = transfer->encoding, *problem = NULL;
  if (encoding == NULL || *encoding == '\0' || g_ascii_strcasecmp(encoding, "identity") == 0 ||
      transfer->answer.body->len == 0)
    return TRUE;
  if (g_ascii_strcasecmp(encoding, "gzip") != 0 && g_ascii_strcasecmp(encoding, "x-gzip") != 0)
    return fail(url, error, "the answer has an unknown Content-Encoding");
  if (!unpack(transfer->answer.body, transfer->request->max_bytes, &problem))
    return fail(url, error, problem);
  transfer->answer.is_end_known = TRUE;
  return TRUE;
}

/* Sends one request and receives its answer. */
static gboolean
perform(Transfer *transfer, const char *url, gint64 deadline_us, GError **error)
{
  set_up(transfer, url, deadline_us);
  fetch_answer_clear(&transfer->answer);
  g_clear_pointer(&transfer->encoding, g_free);
  g_clear_pointer(&transfer->framing, g_free);
  transfer->answer.body = g_string_new(NULL);
  CURLcode code = curl_easy_perform(transfer->curl);
  if (error_if_cancelled(transfer->cancellable, error))
    return FALSE;
  if (transfer->is_too_large)
    return fail(url, error, "the answer is too large");
  if (code != CURLE_OK)
    return fail(url, error, curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
  transfer->answer.status = (guint)status;
  return decode_body(transfer, url, error);
}

static gboolean
is_same_place(GUri *from, GUri *to)
{
  return g_ascii_strcasecmp(g_uri_get_scheme(from), g_uri_get_scheme(to)) == 0 &&
         g_ascii_strcasecmp(g_uri_get_host(from), g_uri_get_host(to)) == 0 &&
         g_uri_get_port(from) == g_uri_get_port(to);
}

/* The target of a redirect; NULL with an error if it must not be followed. */
static char *
redirect_target(const Transfer *transfer, const char *url, GError **error)
{
  char *target = NULL;
  curl_easy_getinfo(transfer->curl, CURLINFO_REDIRECT_URL, &target);
  const GUriFlags flags = G_URI_FLAGS_SCHEME_NORMALIZE;
  g_autoptr(GUri) from = g_uri_parse(url, flags, NULL);
  g_autoptr(GUri) to = target != NULL ? g_uri_parse(target, flags, NULL) : NULL;
  if (from == NULL || to == NULL || g_uri_get_host(from) == NULL || g_uri_get_host(to) == NULL) {
    fail(url, error, "redirected to nowhere");
    return NULL;
  }
  gboolean is_downgrade = strcmp(g_uri_get_scheme(from), "https") == 0 && strcmp(g_uri_get_scheme(to), "https") != 0;
  if (is_downgrade || (!transfer->request->allow_other_hosts && !is_same_place(from, to))) {
    g_autofree char *shown = fetch_url_display(target);
    const char *hint = !is_downgrade ? transfer->request->other_hosts_hint : NULL;
    g_autofree char *what = g_strdup_printf("redirected to an unexpected address: %s%s%s%s", shown,
                                            is_downgrade ? ", and from HTTPS to HTTP" : "", hint != NULL ? "; " : "",
                                            hint != NULL ? hint : "");
    fail(url, error, what);
    return NULL;
  }
  return g_strdup(target);
}

static gpointer
init_library(gpointer data)
{
  return GINT_TO_POINTER(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

gboolean
fetch(const FetchRequest *request, FetchAnswer *ret_answer, GCancellable *cancellable, GError **error)
{
  static GOnce once = G_ONCE_INIT;
  g_auto(Transfer) transfer = {.request = request, .cancellable = cancellable};
  if (!g_once(&once, init_library, NULL) || (transfer.curl = curl_easy_init()) == NULL)
    return fail(request->url, error, "libcurl cannot be used");
  add_header(&transfer, "Accept-Encoding", "gzip");
  add_header(&transfer, "If-None-Match", request->etag);
  add_header(&transfer, "If-Modified-Since", request->last_modified);
  gint64 deadline_us = g_get_monotonic_time() + (gint64)request->timeout_ms * 1000;
  g_autofree char *url = g_strdup(request->url);
  for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    if (!perform(&transfer, url, deadline_us, error))
      return FALSE;
    guint status = transfer.answer.status;
    if (status < 300 || status > 399 || status == 304) {
      *ret_answer = transfer.answer;
      transfer.answer = (FetchAnswer){0};
      return TRUE;
    }
    char *target = redirect_target(&transfer, url, error);
    if (target == NULL)
      return FALSE;
    g_free(url);
    url = target;
  }
  return fail(request->url, error, "redirected too often");
}
