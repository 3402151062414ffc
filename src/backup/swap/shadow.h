/* The shadow database of an overwriting import: a fresh database beside the live one, alike to it in encoding, locale,
 * tablespace, owner and settings, into which the archive is loaded before it takes the live one's place.
 *
 * It is recorded in the live database before it is made, so that the janitor finds it whatever happens
 * (backup/side/side_database.h). Until shadow_open_to_others nobody but the owner and superusers may connect to it. */
#pragma once

#include "base/language.h"
#include "pg/connection/connection.h"

typedef struct {
  char *name;
  guint32 oid;
  char *dsn; /* to connect to it, with its secrets */
  char *live_name;
  guint32 live_oid;
} Shadow;

void shadow_free(Shadow *shadow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Shadow, shadow_free)

/* Makes one for the database that `live` is in, by way of `maintenance`; `dsn` names the live one, `made_by` who
 * imports. IMPORT_SWAP_IMPOSSIBLE, with a sentence in `language`, when it cannot be made alike; it is gone then. After
 * another failure it may be there, and the janitor's. */
Shadow *shadow_create(PgConnection *live, PgConnection *maintenance, const char *dsn, const char *made_by,
                      Language language, GCancellable *cancellable, GError **error);

/* Statistics of all its tables, by `jobs` connections at once; see backup/swap/analyze.h. */
gboolean shadow_analyze(const Shadow *shadow, guint jobs, GCancellable *cancellable, GError **error);

/* The last thing before a swap: the live database's grants and connection limit. */
gboolean shadow_open_to_others(const Shadow *shadow, PgConnection *maintenance, GError **error);

/* After a failure: drops it and its record, whatever was cancelled; what cannot be done is left to the janitor. Opens
 * connections of its own. */
void shadow_discard(const Shadow *shadow, const char *dsn);
