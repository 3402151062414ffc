/* One POST over HTTP or HTTPS, for messages to people.
 *
 * Time and the size of the answer are limited. Certificates are verified. No redirect is followed, because the body is
 * for this receiver alone. Without `proxy` the usual environment variables count, as in net/fetch.h. */
#pragma once

#include <gio/gio.h>

typedef struct {
  const char *url;
  const char *content_type;
  const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
  const char *body;
  guint timeout_ms;    /* for everything */
  gsize max_bytes;     /* of the answer; the rest is left unread */
  const char *proxy;   /* http://, https://, socks4://, socks5://, socks5h://; NULL: by the environment */
  const char *ca_file; /* NULL: the system's authorities */
} PostRequest;

typedef struct {
  guint status;
  GString *body;        /* its beginning, as sent */
  gint64 retry_after_s; /* 0: not said */
} PostAnswer;

void post_answer_clear(PostAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PostAnswer, post_answer_clear)

/* TRUE for any answer. SEND_FAILED, whose message has no part of the URL but its scheme, host and port; CANCELLED. */
gboolean post_send(const PostRequest *request, PostAnswer *ret_answer, GCancellable *cancellable, GError **error);

/* "https://host:port", because the path of such an address is often its secret; free with g_free. */
char *post_url_display(const char *url);
