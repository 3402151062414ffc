/* What is known of syncs, in cch_data.price_sync, for all instances. Nothing is known where that table is missing. */
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

/* Notes a success. A download without a table (304) leaves what is known of the table. */
gboolean sync_state_succeeded(PgConnection *connection, const Download *download, const PriceReport *report,
                              GError **error);
gboolean sync_state_failed(PgConnection *connection, const GError *failure, guint upstream_status, GError **error);

/* The outcome of a 304: the models of the last sync, unchanged. */
PriceReport *sync_state_unchanged(PgConnection *connection, gboolean is_dry_run, GError **error);
