/* Downloads over HTTP and HTTPS: the only module that knows libcurl.
 *
 * Bounded in time and size (after decompression, so a small answer cannot become a large one). Certificates are
 * verified. A gzip body is unpacked, and refused without its end. Proxies are those of the usual environment
 * (https_proxy, http_proxy, no_proxy). A redirect is followed within the same scheme, host and port only, unless it is
 * allowed elsewhere; never from HTTPS to HTTP. */
#pragma once

#include <gio/gio.h>

typedef struct {
  const char *url;
  const char *etag, *last_modified; /* of what is there already; NULL: none */
  guint timeout_ms;                 /* for all of it */
  gsize max_bytes;
  gboolean allow_other_hosts;   /* in redirects */
  const char *other_hosts_hint; /* what allows them, for the error's text; may be NULL */
} FetchRequest;

typedef struct {
  guint status; /* 200, 304, 404, … */
  GString *body;
  char *etag, *last_modified; /* NULL: not sent */
  gboolean is_end_known;      /* FALSE: the body lasted until the connection ended, and may have been cut */
} FetchAnswer;

void fetch_answer_clear(FetchAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FetchAnswer, fetch_answer_clear)

/* TRUE for any complete answer. FETCH_FAILED, whose message names the host but no credentials; CANCELLED. */
gboolean fetch(const FetchRequest *request, FetchAnswer *ret_answer, GCancellable *cancellable, GError **error);

/* TRUE when trying again may help: a server that is busy or broken. */
gboolean fetch_status_is_transient(guint status);

/* The URL without user, password and query, for people; free with g_free. */
char *fetch_url_display(const char *url);
