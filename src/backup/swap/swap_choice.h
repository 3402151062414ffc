/* Whether an overwriting import can be done by swap: what the role may, what the server lets it reach, and whether the
 * old database holds something that the archive does not bring and the way by one transaction would have left alone. */
#pragma once

#include "backup/plan/plan.h"
#include "base/language.h"
#include "pg/connection/connection.h"

/* Asks the live database that `connection` is in; `dsn` names it. `plan` is NULL when the archive is not
 * known (yet): then it is taken for one that brings all that is here. `ret_reason` is NULL when it can, else a sentence
 * in `language`; free with g_free. */
gboolean swap_choice_reason(PgConnection *connection, const char *dsn, const RestorePlan *plan, Language language,
                            char **ret_reason, GError **error);

/* A connection to another database of the server that `live` is in, for CREATE, DROP and ALTER DATABASE: to "postgres",
 * else "template1". DATABASE_UNAVAILABLE when neither can be had, or is of another server than `live`. */
PgConnection *swap_maintenance_open(PgConnection *live, const char *dsn, GCancellable *cancellable, GError **error);
