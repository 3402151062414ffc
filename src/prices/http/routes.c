#include "prices/http/routes.h"

#include "prices/http/endpoints.h"

/* The first match is used: fixed names come before {name}. */
const HttpRoute *const price_http_routes[] = {
    price_http_sync_routes,
    price_http_upload_routes,
    price_http_model_routes,
    NULL,
};
