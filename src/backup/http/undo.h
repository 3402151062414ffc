/* …/import:undo: the database from before an overwrite by swap. POST puts it back, GET lists what is kept, DELETE drops
 * it. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* An array of what backup_undo_list returned. */
json_t *backup_http_kept_json(const GPtrArray *kept);
