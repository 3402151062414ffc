/* Warnings about restoring an archive into a given server. */
#pragma once

#include "archive/toc/toc.h"
#include "base/text.h"
#include "pg/connection/connection.h"

typedef struct {
  PgConnection *connection;
  Language language;
  GPtrArray *warnings; /* char *, valid UTF-8; they are added here */
} ServerWarnings;

void server_warn(ServerWarnings *warnings, TextId id, ...);

/* Of an archive of a newer major version of PostgreSQL; `archived` may be NULL. */
void server_warn_of_version(ServerWarnings *warnings, const char *archived);
/* Of roles and extensions that `entries` (const TocEntry *) name and the server does not have. `with_owners`: also of
 * the owners of what is made; a merge keeps them, an overwrite does not. */
gboolean server_warn_of_names(ServerWarnings *warnings, const GPtrArray *entries, gboolean with_owners, GError **error);
