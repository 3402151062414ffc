/* How a lock names its holder: in the Redis key's value, and in the name of the advisory lock's connection. */
#pragma once

#include "lock/lock.h"

/* A new value for the Redis key: "<ms since epoch>-<random> {json}". The part before the space has the hub's format;
 * the hub only compares the whole with its own. The compact JSON has operation, holder, host, pid, since, and the
 * database whose advisory lock goes with the key (NULL: unknown). Free with g_free. */
char *lock_value_new(const char *operation, const char *holder, const char *database);

/* Reads a value of any origin: without JSON it has the hub's format, and the holder is "the hub". */
void lock_value_read(const char *value, BackupLockHolder *ret_holder);

/* TRUE if we wrote the value for an operation on this database. NULL is no database. */
gboolean lock_value_is_of_database(const char *value, const char *database);

/* The OID of the database if it is on the same server; otherwise 0. */
guint32 lock_value_database_oid(const char *value, const char *database);

enum { LOCK_NAME_MAX_BYTES = 63 }; /* PostgreSQL's NAMEDATALEN - 1 */

/* An application_name: "cch-data lock: import by Admin Token". PostgreSQL allows printable ASCII there and replaces
 * everything else, so the rest is percent-encoded; cut at a character if too long. Free with g_free. */
char *lock_name_new(const char *operation, const char *holder);

/* FALSE if the name does not have this form. */
gboolean lock_name_read(const char *name, BackupLockHolder *ret_holder);
