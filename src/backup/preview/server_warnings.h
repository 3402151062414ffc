/* Warnings about restoring an archive into a given server. */
#pragma once

#include "archive/toc/toc.h"
#include "base/text.h"
#include "pg/connection/connection.h"

typedef struct {
  PgConnection *connection;
  Language language;
  GPtrArray *warnings; /* char *, valid UTF-8; new warnings are appended */
} ServerWarnings;

void server_warn(ServerWarnings *warnings, TextId id, ...);

/* Warns about an archive of a newer major version of PostgreSQL; `archived` may be NULL. */
void server_warn_of_version(ServerWarnings *warnings, const char *archived);
/* Warns about roles and extensions that `entries` (const TocEntry *) name and the server lacks. `with_owners`:
 * includes the owners of created objects; for merges, because an overwrite does not set owners. */
gboolean server_warn_of_names(ServerWarnings *warnings, const GPtrArray *entries, gboolean with_owners, GError **error);
