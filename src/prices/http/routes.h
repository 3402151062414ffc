/* Prices over HTTP: /api/prices as the hub's older clients know it, and /api/v1/model-prices. docs/api.md has them. */
#pragma once

#include "base/json_tree.h"
#include "config/config.h"
#include "http/router.h"
#include "prices/apply/apply.h"
#include "prices/apply/store.h"
#include "prices/sync/sync.h"

/* Of a request that is no upload: a model's fields, or the names of thousands. */
enum { PRICE_HTTP_BODY_MAX_BYTES = 1024 * 1024 };

typedef struct {
  const Config *config;
  const char *dsn; /* the configured one, or the private cluster's */
  PriceSync *sync;
} PriceHttp;

/* Their context is a PriceHttp. Single models, lists and exports; and the cloud (http_sync.c). */
extern const HttpRoute price_http_routes[];
extern const guint price_http_n_routes;
extern const HttpRoute price_http_sync_routes[];
extern const guint price_http_n_sync_routes;

/* POST …:upload (http_upload.c). */
extern const HttpUpload price_http_upload;

/* A JSON object in the request's body; an empty body is an empty object. REQUEST_MALFORMED_JSON, REQUEST_MEDIA_TYPE. */
JsonTree *price_http_body(HttpRequest *request, GError **error);
/* The strings of an array, trimmed as names are, appended; REQUEST_PARAMETER, naming `member`. */
gboolean price_http_names(const JsonTree *array, const char *member, GStrvBuilder *names, GError **error);
/* A connection that ends with the request. */
PgConnection *price_http_connect(HttpRequest *request, const PriceHttp *http, GError **error);
/* NULL with the reference's {ok: false, error} beside the problem's members. */
HttpResponse *price_http_not_ok(HttpRequest *request, GError *failure, GError **error);
