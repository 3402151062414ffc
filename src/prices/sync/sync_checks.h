/* Keeps the downloads and results of checks for a following sync: for ten minutes, one per operator. Private to
 * prices/sync. Thread-safe. */
#pragma once

#include "prices/sync/download.h"

typedef struct SyncChecks SyncChecks;

typedef struct {
  char *id, *operator_name;
  char *state; /* of the stored rows at the time of the check */
  gint64 made_us;
  Download download;
} SyncCheck;

void sync_check_free(SyncCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncCheck, sync_check_free)

SyncChecks *sync_checks_new(void);
void sync_checks_free(SyncChecks *checks);

/* Takes the check with this id; with NULL, the operator's own, and *ret_check is NULL if there is none. PRICES_STALE
 * if none has the id. */
gboolean sync_checks_take(SyncChecks *checks, const char *id, const char *operator_name, SyncCheck **ret_check,
                          GError **error);

/* Replaces an earlier check of the same operator; takes ownership of the check. */
void sync_checks_keep(SyncChecks *checks, SyncCheck *check);
