/* The state of syncs, which all instances share in cch_data.price_sync. Without that table, nothing is known. */
#pragma once

#include "prices/apply/apply.h"
#include "prices/sync/download.h"

typedef struct {
  char *url, *etag, *last_modified; /* of the last success; NULL: none */
  char *version;
  char *state;                     /* of the stored rows afterwards */
  gint64 success_age_s, try_age_s; /* -1: never */
  guint model_count;
} SyncState;

void sync_state_clear(SyncState *state);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SyncState, sync_state_clear)

gboolean sync_state_read(PgConnection *connection, SyncState *ret_state, GError **error);

/* Creates the missing tables of cch_data, so that the state of syncs is kept. */
gboolean sync_state_make(PgConnection *connection, GError **error);
/* The number of models whose changes wait for approval. */
gboolean sync_state_count_held(PgConnection *connection, guint *ret_count, GError **error);
/* Whether a hub keeps this database's price table itself: it has imported a table within the last week. */
gboolean sync_state_hub_keeps(PgConnection *connection, gboolean *ret_keeps, GError **error);

/* Notes a success. A download without a table (304) keeps the known facts about the table. TRUE also if there is no
 * table for the state. */
gboolean sync_state_note_success(PgConnection *connection, const Download *download, const PriceReport *report,
                                 GError **error);
gboolean sync_state_note_failure(PgConnection *connection, const GError *failure, guint upstream_status,
                                 GError **error);

/* The report after a 304: the models of the last sync, unchanged. */
PriceReport *sync_state_unchanged(PgConnection *connection, gboolean is_dry_run, GError **error);
