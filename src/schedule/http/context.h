/* What the endpoints of scheduled backups share. */
#pragma once

#include "schedule/catalog/catalog.h"
#include "schedule/catalog/runs.h"
#include "schedule/http/routes.h"

#define SCHEDULE_CHANGES (HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES)

PgConnection *schedule_http_connect(HttpRequest *request, const ScheduleHttp *http, GError **error);
/* The id in the path; NOT_FOUND for anything but a number. */
gboolean schedule_http_id(HttpRequest *request, gint64 *ret_id, GError **error);
/* Queues a run of the request's actor, wakes the scheduler, and answers 202 {runId}. */
HttpResponse *schedule_http_queue(HttpRequest *request, const ScheduleHttp *http, PgConnection *connection, Run *run,
                                  GError **error);
/* Writes the audit log; `details` (may be NULL) is taken over. */
void schedule_http_audit(HttpRequest *request, PgConnection *connection, const char *type, const char *target,
                         json_t *details);
/* Seconds since 1970 as ISO 8601 in UTC; null for 0 and less. */
json_t *schedule_http_time(gint64 time_s);
