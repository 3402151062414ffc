/* Databases that we create beside the live one: names, records in the live one's cch_data.databases, removal. Of two
 * kinds: a "shadow" is loaded by an import, a "kept" one was live before a swap. */
#pragma once

#include "pg/pool/pool.h"

#define SIDE_SHADOW "shadow"
#define SIDE_KEPT   "kept"

/* A new, unused name: "<live>_cch_new_<16 hex digits>" for a shadow, "…_cch_old_…" for a kept one. The live name is
 * cut at a character boundary to fit PostgreSQL's 63 bytes. */
char *side_database_name_new(const char *live, const char *kind);

/* Whether a name has that form; a database with any other name is never dropped. */
gboolean side_database_is_name(const char *name);

/* The OID of a database; 0 if none has that name. */
gboolean side_database_oid(PgConnection *connection, const char *name, guint32 *ret_oid, GError **error);

/* Whether the live database can record one: FALSE before the migration that creates the table. */
gboolean side_database_can_record(PgConnection *live, gboolean *ret_can, GError **error);

/* A coming swap, as the incoming database has to record it. */
typedef struct {
  guint32 live_oid;     /* of the database that is live before the swap */
  const char *incoming; /* the database that takes its place */
  guint32 incoming_oid;
  const char *outgoing; /* the name under which the former live database is kept */
  const char *made_by;  /* the actor; may be NULL */
  const char *reason;   /* "import", "undo" */
  guint keep_s;
} SideSwap;

/* Records the swap in the incoming database, whose cch_data.databases is a copy of the live one's: makes it right
 * for the time after the swap.
 */
gboolean side_database_record_swap(PgConnection *incoming, const SideSwap *swap, GError **error);

/* The comment on a kept database: it informs people who list databases, and identifies the database if its record is
 * lost. Free with g_free. */
char *side_database_comment(const char *live, const SideSwap *swap);

/* Records kept databases again, from their comments, if the live one has lost their records. Does nothing if the
 * role may not write or the database is read-only. */
void side_database_find_lost(PgConnection *live);

/* Drops a recorded database over `maintenance`, then its record. Does nothing if the name now belongs to another
 * database than the recorded one (`oid`; 0: unknown, it may still be being created, which is ended). Sessions in it are
 * ended. */
gboolean side_database_drop(PgConnection *live, PgConnection *maintenance, const char *name, guint32 oid,
                            GError **error);

/* Connects to another database on `live`'s server, for CREATE, DROP and ALTER DATABASE: to "postgres", else
 * "template1". DATABASE_UNAVAILABLE if neither is available, or is on another server than `live`. */
PgConnection *side_database_maintenance_open(PgConnection *live, const char *dsn, GCancellable *cancellable,
                                             GError **error);
/* Whether it can connect so; a `pool` of the database (may be NULL) lends a kept connection. */
gboolean side_database_maintenance_probe(PgConnection *live, const char *dsn, PgPool *pool, GError **error);
