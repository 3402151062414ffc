/* Downloads over HTTP and HTTPS. Only this module uses libcurl.
 *
 * Time and size are limited (the size after decompression). Certificates are verified. A gzip body is unpacked, and
 * refused if it is truncated. Proxies come from the usual environment variables (https_proxy, http_proxy, no_proxy).
 * A redirect is followed within the same scheme, host and port only, unless others are allowed; never from HTTPS to
 * HTTP. */
#pragma once

#include <gio/gio.h>

typedef struct {
  const char *url;
  const char *etag, *last_modified; /* of the present copy; NULL: none */
  guint timeout_ms;                 /* for the whole download */
  gsize max_bytes;
  gboolean allow_other_hosts;   /* in redirects */
  const char *other_hosts_hint; /* the option that allows them, for the error message; may be NULL */
} FetchRequest;

typedef struct {
  guint status; /* 200, 304, 404, … */
  GString *body;
  char *etag, *last_modified; /* NULL: not sent */
  gboolean is_end_known;      /* FALSE: the body lasted until the connection ended, and may be truncated */
} FetchAnswer;

void fetch_answer_clear(FetchAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FetchAnswer, fetch_answer_clear)

/* TRUE for any complete answer. FETCH_FAILED, whose message names the host without credentials; CANCELLED. */
gboolean fetch(const FetchRequest *request, FetchAnswer *ret_answer, GCancellable *cancellable, GError **error);

/* TRUE if another attempt may help: a server that is busy or failing. */
gboolean fetch_status_is_transient(guint status);

/* The URL without user, password and query, for messages; free with g_free. */
char *fetch_url_display(const char *url);
