/* Collations whose rules have changed since the database's indexes were built, as by an upgrade of the operating
 * system: an index that they sort may miss rows, and a unique one may let duplicates in. */
#pragma once

#include "base/language.h"
#include "pg/connection/connection.h"

/* A sentence that names them and the REINDEX that they need; NULL if there are none. Free with g_free. */
gboolean collations_find_stale(PgConnection *connection, Language language, char **ret_hint, GError **error);

/* For a database whose indexes are all new: records the versions of now, as far as this role may. `ret_caution` is a
 * sentence about the rest; NULL if there is none. */
gboolean collations_record_new(PgConnection *connection, Language language, char **ret_caution, GError **error);
