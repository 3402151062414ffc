/* Updates the price table from the cloud's: on a schedule, at start if there are no prices, and on request.
 *
 * One of all instances syncs at a time, under a session's advisory lock in the database and, with Redis, a key there
 * (REDIS_PRICES_LOCK_KEY). A requested sync waits for a running one and then finds nothing to do; a scheduled one is
 * skipped. All instances share the state of the last sync in cch_data.price_sync: an unchanged table costs one 304,
 * which is only asked for while the stored rows are as the last sync left them. A failure changes nothing but the
 * status. Thread-safe. */
#pragma once

#include "config/config.h"
#include "notify/notify.h"
#include "prices/apply/apply.h"

typedef struct PriceSync PriceSync;

/* The arguments must outlive it. `notify` (NULL in commands) tells of prices that are held back. CONFIG for an invalid
 * URL. */
PriceSync *price_sync_new(const Config *config, const char *dsn, Notify *notify, GError **error);
/* Starts the schedule, unless its interval is 0. */
void price_sync_start(PriceSync *sync);
/* Stops it; NULL is ignored. */
void price_sync_free(PriceSync *sync);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PriceSync, price_sync_free)

typedef struct {
  const char *const *overwrite, *const *leave_out; /* as in price_apply */
  gboolean is_dry_run, is_forced;
  gboolean is_scheduled;  /* nobody reviews it: changes beyond the limit are held back */
  gboolean is_beside_hub; /* even if a hub keeps the table itself; otherwise PRICES_HUB_KEEPS, except in a dry run */
  const char
      *check_id; /* apply what this check showed; NULL: what this operator's last check showed, if it is recent */
  const char *operator_name, *operator_ip;
} PriceSyncOptions;

/* `ret_upstream_status` (may be NULL) is the cloud's last answer, 0 for none; set on failure, too. Errors:
 * PRICES_UPSTREAM if nothing usable could be downloaded; PRICES_SYNC_RUNNING if another sync did not end;
 * PRICES_STALE if a check's result is requested and gone or outdated; those of price_apply. */
PriceReport *price_sync_run(PriceSync *sync, const PriceSyncOptions *options, guint *ret_upstream_status,
                            GCancellable *cancellable, GError **error);

/* Downloads the table and shows what a sync would do (a dry run with conflicts). Keeps the download for the next
 * price_sync_run. `ret_check_id` names it; free with g_free. */
PriceReport *price_sync_check(PriceSync *sync, const PriceSyncOptions *options, char **ret_check_id,
                              guint *ret_upstream_status, GCancellable *cancellable, GError **error);

/* The current number of models in the cloud's table, and its version (free with g_free; may be NULL). */
gboolean price_sync_count(PriceSync *sync, guint *ret_count, char **ret_version, guint *ret_upstream_status,
                          GCancellable *cancellable, GError **error);

/* The status as JSON; free with g_free. NULL with DATABASE_*. */
char *price_sync_status(PriceSync *sync, GError **error);
