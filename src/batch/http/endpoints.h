/* The routes of each file in this room, which routes.c combines. */
#pragma once

#include "batch/http/routes.h"

extern const HttpRoute batch_http_batch_routes[];     /* batches.c */
extern const HttpRoute batch_http_list_routes[];      /* list.c */
extern const HttpRoute batch_http_operation_routes[]; /* operations.c */
