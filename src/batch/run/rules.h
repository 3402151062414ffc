/* The rules about keys and their users: a user with a working key keeps one, and a user's provider group is the
 * union of the keys' groups. */
#pragma once

#include "batch/run/transaction.h"

/* Locks the users of these keys (an int4[] value). Every transaction does this before it touches keys, so two
 * transactions cannot take a user's last two keys together. */
gboolean batch_keys_lock_owners(BatchTransaction *transaction, const char *ids, GError **error);

/* Writes keys and notes the changes. Checks the first rule (BATCH_LAST_KEY refuses the users). If keys' groups
 * change, applies the second (BATCH_GROUP_TOO_LONG). The owners must be locked. `records` (may be NULL) are those of
 * users whose group followed from the changes being undone: a group that has not been changed since gets exactly its
 * old value. */
gboolean batch_keys_write(BatchTransaction *transaction, BatchRows *keys, const json_t *records, GError **error);

/* Adds the providers' new groups to the hub's table of groups, if it has one (v0.9). */
gboolean batch_provider_groups_add(BatchTransaction *transaction, const BatchRows *providers, GError **error);
