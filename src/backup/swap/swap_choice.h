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

/* Asks whether there is room for a second database with the plan's tables, and says how many bytes they will take,
 * about. `ret_is_known` is FALSE when the room cannot be found out, which is no error. DISK_FULL, with the numbers; the
 * reader's errors, because of tables whose rows nobody has counted it reads the beginning. */
gboolean swap_choice_check_space(PgConnection *live, const RestorePlan *plan, ArchiveReader *reader,
                                 GCancellable *cancellable, guint64 *ret_bytes, gboolean *ret_is_known, GError **error);
