/* The rules about keys and their users: whoever has a key that works keeps one, and a user's provider group is the
 * union of its keys' groups. */
#pragma once

#include "batch/transaction.h"

/* Locks the users of these keys (an int4[] value), which everybody does before touching the keys: so no two
 * transactions take a user's last two keys at once. */
gboolean batch_keys_lock_owners(BatchTransaction *transaction, const char *ids, GError **error);

/* Writes keys and notes the changes, checks the first rule (BATCH_LAST_KEY names the users) and, when groups are among
 * the fields, sees to the second (BATCH_GROUP_TOO_LONG). The owners are locked. */
gboolean batch_keys_write(BatchTransaction *transaction, BatchRows *keys, GError **error);

/* "3, 4, 5 …": a list for an error, which ends after some twenty; `n` counts. */
void batch_append_name(GString *names, guint *n, const char *name);
