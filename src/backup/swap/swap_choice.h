/* Whether an overwriting import can be done by swap: what the role may, what the server lets it reach, and whether the
 * old database holds something that the archive does not bring and the way by one transaction would have left alone. */
#pragma once

#include "backup/plan/plan.h"
#include "base/language.h"
#include "pg/connection/connection.h"

/* Asks the live database that `connection` is in; `dsn` names it. `plan` is NULL while the archive is
 * not known; it is then taken to hold all that is here. `ret_reason` is NULL when a swap is possible, else a sentence
 * in `language`; free with g_free. */
gboolean swap_choice_reason(PgConnection *connection, const char *dsn, const RestorePlan *plan, Language language,
                            char **ret_reason, GError **error);

/* Asks whether there is room for a second database with the plan's tables, and estimates how many bytes they will
 * take. `ret_is_known` is FALSE when the room cannot be found out; that is not an error. DISK_FULL, with the numbers;
 * the reader's errors, because it reads the beginning of tables whose rows are not counted. */
gboolean swap_choice_check_space(PgConnection *live, const RestorePlan *plan, ArchiveReader *reader,
                                 GCancellable *cancellable, guint64 *ret_bytes, gboolean *ret_is_known, GError **error);
