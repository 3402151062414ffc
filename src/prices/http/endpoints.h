/* Shared by the files of this room: each file's routes, which routes.c combines, and common parts of their handlers. */
#pragma once

#include "base/exact/json_tree.h"
#include "prices/apply/apply.h"
#include "prices/apply/store.h"
#include "prices/http/routes.h"

extern const HttpRoute price_http_model_routes[];  /* models.c */
extern const HttpRoute price_http_sync_routes[];   /* sync.c */
extern const HttpRoute price_http_upload_routes[]; /* upload.c */

/* For requests other than uploads: a model's fields, or the names of thousands. */
enum { PRICE_HTTP_BODY_MAX_BYTES = 1024 * 1024 };

/* A JSON object in the request's body; an empty body is an empty object. REQUEST_MALFORMED_JSON, REQUEST_MEDIA_TYPE. */
JsonTree *price_http_body(HttpRequest *request, GError **error);
/* Appends the strings of an array, trimmed like names; REQUEST_PARAMETER, naming `member`. */
gboolean price_http_names(const JsonTree *array, const char *member, GStrvBuilder *names, GError **error);
/* A connection that ends with the request. */
PgConnection *price_http_connect(HttpRequest *request, const PriceHttp *http, GError **error);
/* NULL with the reference's {ok: false, error} beside the members of a problem document. */
HttpResponse *price_http_not_ok(HttpRequest *request, GError *failure, GError **error);
