/* Databases that we make beside the live one: their names, their records in the live one's cch_data.databases, and
 * their end. Two kinds: "shadow", which an import loads, and "kept", which was live before a swap. */
#pragma once

#include "pg/connection/connection.h"

#define SIDE_SHADOW "shadow"
#define SIDE_KEPT   "kept"

/* A name that nothing has: "<live>_cch_new_<16 hex digits>" of a shadow, "…_cch_old_…" of a kept one. The live name is
 * cut at a character where all would be more than PostgreSQL's 63 bytes. */
char *side_database_name_new(const char *live, const char *kind);

/* Whether a name is of that form; no other is ever dropped. */
gboolean side_database_is_name(const char *name);

/* The OID of a database; 0 when there is none of that name. */
gboolean side_database_oid(PgConnection *connection, const char *name, guint32 *ret_oid, GError **error);

/* Whether the live database can record one: FALSE before the migration that makes the table. */
gboolean side_database_can_record(PgConnection *live, gboolean *ret_can, GError **error);

/* A swap to come, as the database that becomes the live one has to record it. */
typedef struct {
  guint32 live_oid;     /* of the database that is live until then */
  const char *incoming; /* the one that takes its place */
  guint32 incoming_oid;
  const char *outgoing; /* the name that the former is kept under */
  const char *made_by;  /* who swaps; may be NULL */
  const char *reason;   /* "import", "undo" */
  guint keep_s;
} SideSwap;

/* In the incoming database, whose cch_data.databases is the live one's copy: makes it true for the time after the swap.
 */
gboolean side_database_record_swap(PgConnection *incoming, const SideSwap *swap, GError **error);

/* What people who list databases are told of the one that is kept, and by which it is found when records are lost; free
 * with g_free. */
char *side_database_comment(const char *live, const SideSwap *swap);

/* Records kept databases that the live one's records have lost, by their comments. Where that cannot be, because the
 * role may not write or the database is read-only, nothing happens. */
void side_database_find_lost(PgConnection *live);

/* Drops a recorded database by way of `maintenance` and then its record. A name that stands for another database than
 * the recorded one (`oid`; 0: not known) is left alone. Sessions in it are ended. */
gboolean side_database_drop(PgConnection *live, PgConnection *maintenance, const char *name, guint32 oid,
                            GError **error);

/* A connection to another database of the server that `live` is in, for CREATE, DROP and ALTER DATABASE: to "postgres",
 * else "template1". DATABASE_UNAVAILABLE when neither can be had, or is of another server than `live`. */
PgConnection *side_database_maintenance_open(PgConnection *live, const char *dsn, GCancellable *cancellable,
                                             GError **error);
