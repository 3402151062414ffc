/* The routes of each file in this room, which routes.c combines. */
#pragma once

#include "backup/http/context.h"
#include "http/handler.h"

extern const HttpRoute backup_http_estimate_routes[];  /* estimate.c */
extern const HttpRoute backup_http_export_routes[];    /* export.c */
extern const HttpRoute backup_http_import_routes[];    /* import.c */
extern const HttpRoute backup_http_inspect_routes[];   /* inspect.c */
extern const HttpRoute backup_http_operation_routes[]; /* operations.c */
extern const HttpRoute backup_http_preview_routes[];   /* preview.c */
extern const HttpRoute backup_http_status_routes[];    /* status.c */
extern const HttpRoute backup_http_undo_routes[];      /* undo.c */
