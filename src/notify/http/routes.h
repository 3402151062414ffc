/* /api/admin/notify/channels, …/{id}, …/{id}/test, and /api/admin/notify/messages. */
#pragma once

#include "http/handler.h"
#include "notify/notify.h"

typedef struct {
  PgPool *pool;
  Notify *notify;
  const char *data_dir;
} NotifyHttp;

extern const HttpRoute *const notify_http_routes[];
