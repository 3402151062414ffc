#include "net/post.h"

#include "base/error.h"
#include "net/cancel.h"

#include <curl/curl.h>
#include <string.h>

enum { CONNECT_TIMEOUT_MS = 10000 };

typedef struct {
  CURL *curl;
  struct curl_slist *headers;
  const PostRequest *request;
  GCancellable *cancellable;
  GString *body;
} Post;

static void
post_clear(Post *post)
{
  curl_easy_cleanup(post->curl);
  curl_slist_free_all(post->headers);
  if (post->body != NULL)
    g_string_free(post->body, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Post, post_clear)

void
post_answer_clear(PostAnswer *answer)
{
  if (answer->body != NULL)
    g_string_free(answer->body, TRUE);
  *answer = (PostAnswer){0};
}

char *
post_url_display(const char *url)
{
  g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
  if (uri == NULL || g_uri_get_host(uri) == NULL)
    return g_strdup("(not a URL)");
  g_autofree char *host = g_uri_join(G_URI_FLAGS_NONE, g_uri_get_scheme(uri), NULL, g_uri_get_host(uri),
                                     g_uri_get_port(uri), "", NULL, NULL);
  return g_steal_pointer(&host);
}

/* A body beyond the limit ends the transfer. That is not a failure: the status is known by then. */
static size_t
take_body(char *data, size_t size, size_t n, void *user_data)
{
  Post *post = user_data;
  gsize room = post->request->max_bytes - post->body->len;
  gsize taken = MIN(room, size * n);
  g_string_append_len(post->body, data, (gssize)taken);
  return taken;
}

static void
set_up(Post *post)
{
  const PostRequest *request = post->request;
  CURL *curl = post->curl;
  g_autofree char *type = g_strdup_printf("Content-Type: %s", request->content_type);
  post->headers = curl_slist_append(post->headers, type);
  post->headers = curl_slist_append(post->headers, "Expect:"); /* no wait for a 100 */
  for (const char *const *header = request->headers; header != NULL && *header != NULL; header++)
    post->headers = curl_slist_append(post->headers, *header);
  curl_easy_setopt(curl, CURLOPT_URL, request->url);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)MIN(request->timeout_ms, CONNECT_TIMEOUT_MS));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "cch-data/" CCH_VERSION);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, post->headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(request->body));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, post);
  net_set_cancellable(curl, post->cancellable);
  if (request->proxy != NULL)
    curl_easy_setopt(curl, CURLOPT_PROXY, request->proxy);
  if (request->ca_file != NULL)
    curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
}

gboolean
post_send(const PostRequest *request, PostAnswer *ret_answer, GCancellable *cancellable, GError **error)
{
  g_auto(Post) post = {.curl = curl_easy_init(), .request = request, .cancellable = cancellable};
  if (post.curl == NULL) {
    error_set(error, CCH_ERROR_INTERNAL, "libcurl cannot be used");
    return FALSE;
  }
  post.body = g_string_new(NULL);
  set_up(&post);
  CURLcode code = curl_easy_perform(post.curl);
  if (error_if_cancelled(cancellable, error))
    return FALSE;
  long status = 0;
  curl_off_t retry_after_s = 0;
  curl_easy_getinfo(post.curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(post.curl, CURLINFO_RETRY_AFTER, &retry_after_s);
  gboolean is_cut = code == CURLE_WRITE_ERROR && post.body->len == request->max_bytes;
  if (code != CURLE_OK && !is_cut) {
    g_autofree char *shown = post_url_display(request->url);
    error_set(error, CCH_ERROR_SEND_FAILED, "%s: %s", shown, curl_easy_strerror(code));
    return FALSE;
  }
  *ret_answer = (PostAnswer){(guint)status, g_steal_pointer(&post.body), MAX(retry_after_s, 0)};
  return TRUE;
}
