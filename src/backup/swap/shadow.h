/* The shadow database of an overwriting import: a new database beside the live one with the same encoding, locale,
 * tablespace, owner and settings. The archive is loaded into it before it takes the live one's place.
 *
 * It is recorded in the live database before it is created, so that the janitor finds it whatever happens
 * (backup/side/side_database.h). Until shadow_open_to_others, only the owner and superusers may connect to it. */
#pragma once

#include "base/language.h"
#include "pg/connection/connection.h"

typedef struct {
  char *name;
  guint32 oid;
  char *dsn; /* connection string, with its secrets */
  char *live_name;
  guint32 live_oid;
} Shadow;

void shadow_free(Shadow *shadow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Shadow, shadow_free)

typedef enum {
  SHADOW_FOR_SWAP,
  SHADOW_FOR_TRIAL, /* belongs to this role, and has no settings and grants of the live one, which need further rights
                     */
} ShadowPurpose;

/* Creates the shadow of the database that `live` is connected to, over `maintenance`. `dsn` names the live database,
 * `made_by` the actor. IMPORT_SWAP_IMPOSSIBLE, with a sentence in `language`, if it cannot have the live one's
 * properties; it is dropped then. After any other failure it may exist, and the janitor drops it. */
Shadow *shadow_create(ShadowPurpose purpose, PgConnection *live, PgConnection *maintenance, const char *dsn,
                      const char *made_by, Language language, GCancellable *cancellable, GError **error);

/* The last step before a swap: applies the live database's grants and connection limit. */
gboolean shadow_open_to_others(const Shadow *shadow, PgConnection *maintenance, GError **error);

/* Cleans up after a failure: drops the shadow and its record, even after a cancellation. Leaves to the janitor what
 * fails. Opens its own connections. */
void shadow_discard(const Shadow *shadow, const char *dsn);
