/* GET /metrics: the figures for Prometheus. For administrators, whoever has METRICS_TOKEN, or everybody with
 * METRICS_PUBLIC. Not for the loopback as such: behind a reverse proxy on the same machine everybody comes from there.
 */
#pragma once

#include "auth/http/routes.h"
#include "backup/http/routes.h"
#include "config/config.h"
#include "http/server.h"
#include "pg/pool/pool.h"

typedef struct MetricsHttp MetricsHttp;

/* The arguments must outlive it. */
MetricsHttp *metrics_http_new(PgPool *pool, const Config *config, AuthHttp *auth, BackupHttp *backup);
void metrics_http_free(MetricsHttp *metrics); /* NULL is ignored */
/* Of the server that the requests are counted by. */
void metrics_http_set_server(MetricsHttp *metrics, HttpServer *server);

extern const HttpRoute *const metrics_http_routes[];
