#include "prices/http.h"

const HttpRoute price_http_routes[] = {
    {
        .method = "POST",
        .path = "/api/v1/model-prices:upload",
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES | HTTP_ROUTE_PROBLEM,
        .upload = &price_http_upload,
    },
};
const guint price_http_n_routes = G_N_ELEMENTS(price_http_routes);
