/* The rules about keys and their users: whoever has a key that works keeps one, and a user's provider group is the
 * union of its keys' groups. */
#pragma once

#include "batch/run/transaction.h"

/* Locks the users of these keys (an int4[] value), which everybody does before touching the keys: so no two
 * transactions take a user's last two keys at once. */
gboolean batch_keys_lock_owners(BatchTransaction *transaction, const char *ids, GError **error);

/* Writes keys and notes the changes, checks the first rule (BATCH_LAST_KEY refuses the users) and, for keys whose
 * groups change, sees to the second (BATCH_GROUP_TOO_LONG). The owners are locked. `records` (may be NULL) are those of
 * users whose group followed from what is being undone: where nobody has changed it since, it becomes exactly what it
 * was. */
gboolean batch_keys_write(BatchTransaction *transaction, BatchRows *keys, const json_t *records, GError **error);

/* A hub that has a table of groups (v0.9) gets those that providers are put in now. */
gboolean batch_provider_groups_add(BatchTransaction *transaction, const BatchRows *providers, GError **error);
