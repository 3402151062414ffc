/* How a lock says who holds it: in the Redis key's value and in the name of the advisory lock's connection. */
#pragma once

#include "lock/lock.h"

/* A new value of the Redis key: "<ms since epoch>-<random> {json}". The part before the space is as the hub writes it;
 * the hub only compares the whole with its own. The JSON, compact: operation, holder, host, pid, since, and the
 * database, which says whose advisory lock goes with the key (NULL: unknown). Free with g_free. */
char *lock_value_new(const char *operation, const char *holder, const char *database);

/* Reads a value, whoever wrote it: without the JSON it is in the hub's format, whose holder is "the hub". */
void lock_value_read(const char *value, BackupLockHolder *ret_holder);

/* TRUE when a program of ours wrote the value for an operation on this database. NULL is no database. */
gboolean lock_value_is_of_database(const char *value, const char *database);

/* Likewise for an operation on a database of the same server: its OID; else 0. */
guint32 lock_value_database_oid(const char *value, const char *database);

enum { LOCK_NAME_MAX_BYTES = 63 }; /* PostgreSQL's NAMEDATALEN - 1 */

/* An application_name: "cch-data lock: import by Admin Token". PostgreSQL allows printable ASCII there and replaces the
 * rest, so the rest is percent-encoded; cut at a character when too long. Free with g_free. */
char *lock_name_new(const char *operation, const char *holder);

/* FALSE when the name is not of this form. */
gboolean lock_name_read(const char *name, BackupLockHolder *ret_holder);
