#include "prices/http/routes.h"

#include "prices/http/endpoints.h"

/* The first route that fits is taken: fixed names stand before {name}. */
const HttpRoute *const price_http_routes[] = {
    price_http_sync_routes,
    price_http_upload_routes,
    price_http_model_routes,
    NULL,
};
