#include "batch/http/routes.h"

#include "batch/http/endpoints.h"

const HttpRoute *const batch_http_routes[] = {
    batch_http_batch_routes,
    batch_http_list_routes,
    batch_http_operation_routes,
    NULL,
};
