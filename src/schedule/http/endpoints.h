/* The routes of each file. */
#pragma once

#include "http/handler.h"

extern const HttpRoute schedule_http_backup_routes[], schedule_http_job_routes[], schedule_http_destination_routes[],
    schedule_http_run_routes[], schedule_http_fetch_routes[];
