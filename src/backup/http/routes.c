#include "backup/http/routes.h"

#include "backup/http/endpoints.h"

const HttpRoute *const backup_http_routes[] = {
    backup_http_status_routes,  backup_http_estimate_routes,  backup_http_export_routes,
    backup_http_inspect_routes, backup_http_preview_routes,   backup_http_import_routes,
    backup_http_undo_routes,    backup_http_operation_routes, NULL,
};
