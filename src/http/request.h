/* A request, as the domains see it: what came in, who asks, and what the reply shall carry besides its body. A domain's
 * handlers know this header, response.h and router.h; the rest of http/ stays behind them. Strings that are returned
 * belong to the request. One thread at a time. */
#pragma once

#include "base/exact/json_tree.h"
#include "base/language.h"

#include <gio/gio.h>
#include <jansson.h>

typedef struct HttpRequest HttpRequest;

const char *http_request_method(const HttpRequest *request);
gboolean http_request_is_head(const HttpRequest *request);
const char *
http_request_path(const HttpRequest *request); /* as sent, still percent-encoded, without base path and query */
/* An address of ours as the client has to write it: under the base path. Free with g_free. */
char *http_request_link(const HttpRequest *request, const char *path);
Language http_request_language(const HttpRequest *request);

/* NULL when absent. A header's name is compared without regard to case. */
const char *http_request_header(const HttpRequest *request, const char *name);
const char *http_request_cookie(HttpRequest *request, const char *name);
/* Decoded; "" for a name without a value. */
const char *http_request_query(const HttpRequest *request, const char *name);
/* The same, but NULL for what is empty, which does not filter. */
const char *http_request_query_given(const HttpRequest *request, const char *name);
/* What a {name} of the route's pattern stands for, decoded. */
const char *http_request_parameter(const HttpRequest *request, const char *name);

/* "true" or "false"; `fallback` when absent; REQUEST_PARAMETER, naming it, for anything else. */
gboolean http_request_query_boolean(const HttpRequest *request, const char *name, gboolean fallback,
                                    gboolean *ret_value, GError **error);

/* A whole number from `lowest` to `highest`; likewise. */
gboolean http_request_query_number(const HttpRequest *request, const char *name, guint fallback, guint lowest,
                                   guint highest, guint *ret_value, GError **error);

/* The client's address. The last hop of X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host, or of Forwarded, is
 * believed only when the server was told to trust its proxy. */
const char *http_request_client_ip(const HttpRequest *request);
gboolean http_request_is_secure(const HttpRequest *request);
const char *http_request_host(HttpRequest *request); /* "example.org:8443"; NULL when not sent */

/* -1 when not said (a chunked body). */
gint64 http_request_content_length(const HttpRequest *request);
/* Whether the body claims to be JSON. */
gboolean http_request_is_json(const HttpRequest *request);
/* The parsed JSON body, an object; owned by the request. REQUEST_MEDIA_TYPE, REQUEST_MALFORMED_JSON. */
json_t *http_request_json(HttpRequest *request, GError **error);
/* The same with numbers as they were written; free with json_tree_free. */
JsonTree *http_request_json_tree(HttpRequest *request, GError **error);
/* The body as it came, for JSON whose numbers must not pass through doubles: REQUEST_MEDIA_TYPE when it is not said to
 * be JSON, unless it is empty. Owned by the request. */
const char *http_request_json_text(HttpRequest *request, gsize *ret_size, GError **error);

/* Who asks, for the log, the lock and the audit; set by the guard. NULL: nobody known. */
const char *http_request_who(const HttpRequest *request);
void http_request_set_who(HttpRequest *request, const char *who);

/* Triggered when the server stops and, once this has been called, when the client goes away: from then on the
 * connection is watched, also while a handler runs. */
GCancellable *http_request_cancellable(HttpRequest *request);

/* What the reply carries, whatever the reply will be. */
void http_request_set_reply_header(HttpRequest *request, const char *name, const char *value);
/* Only for an error reply: instead of the error's message as `details`, and a member beside it (stolen). */
void http_request_set_error_details(HttpRequest *request, const char *details);
void http_request_set_error_member(HttpRequest *request, const char *name, json_t *value);
