/* Decides whether an overwriting import can be done by swap: whether the role has the rights, whether another
 * database can be reached, and whether the old database holds something that the swap would lose and one transaction
 * would keep. */
#pragma once

#include "backup/plan/plan.h"
#include "base/language.h"
#include "pg/pool/pool.h"

/* Checks the live database that `connection` is in; `dsn` names it. A `pool` of it (may be NULL) lends a kept
 * connection. `plan` is NULL if the archive is unknown, which is then assumed to hold everything in the live database.
 * `ret_reason` is NULL if a swap is possible, else a sentence in `language`; free with g_free. */
gboolean swap_choice_reason(PgConnection *connection, const char *dsn, PgPool *pool, const RestorePlan *plan,
                            Language language, char **ret_reason, GError **error);

/* Checks the room for a second database with the plan's tables, and estimates their bytes. If the room
 * cannot be found out, `ret_is_known` is FALSE and the check passes. DISK_FULL, with the numbers; also the reader's
 * errors, because this reads the beginning of tables whose rows are not counted. */
gboolean swap_choice_check_space(PgConnection *live, const RestorePlan *plan, ArchiveReader *reader,
                                 GCancellable *cancellable, guint64 *ret_bytes, gboolean *ret_is_known, GError **error);
