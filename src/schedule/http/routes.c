#include "schedule/http/routes.h"

#include "schedule/http/endpoints.h"

const HttpRoute *const schedule_http_routes[] = {
    schedule_http_backup_routes,      schedule_http_fetch_routes, schedule_http_job_routes,
    schedule_http_destination_routes, schedule_http_run_routes,   NULL,
};
