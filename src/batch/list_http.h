/* The endpoints of lists: GET /api/v1/users, keys, providers, their :export, and /api/v1/providers/health. */
#pragma once

#include "batch/http.h"

extern const HttpRoute batch_http_list_routes[];
extern const guint batch_http_n_list_routes;
