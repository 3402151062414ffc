/* …/import:undo: the previous database after an overwrite by swap. POST restores it, GET lists the kept ones, DELETE
 * drops it. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* An array of the results of backup_undo_list. */
json_t *backup_http_kept_json(const GPtrArray *kept);
