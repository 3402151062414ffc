/* What checks downloaded and showed, kept for the sync that may follow: for ten minutes, one of each operator. Private
 * to prices/sync. Thread-safe. */
#pragma once

#include "prices/sync/download.h"

typedef struct SyncChecks SyncChecks;

typedef struct {
  char *id, *operator_name;
  char *state; /* of the stored rows when it was shown */
  gint64 made_us;
  Download download;
} SyncCheck;

void sync_check_free(SyncCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncCheck, sync_check_free)

SyncChecks *sync_checks_new(void);
void sync_checks_free(SyncChecks *checks);

/* Takes the check of this id, or, where that is NULL, the operator's own; *ret_check is NULL when the operator has
 * none. PRICES_STALE when there is none of the id. */
gboolean sync_checks_take(SyncChecks *checks, const char *id, const char *operator_name, SyncCheck **ret_check,
                          GError **error);

/* In place of an earlier one of the same operator; takes the check. */
void sync_checks_keep(SyncChecks *checks, SyncCheck *check);
