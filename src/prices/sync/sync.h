/* Keeps the price table in step with the cloud's: on a schedule, at start when there are no prices, and when asked.
 *
 * One of all instances syncs at a time: a session's advisory lock in the database and, with Redis, a key of its own
 * there (REDIS_PRICES_LOCK_KEY). A sync on request waits for the other and then finds nothing to do; a scheduled
 * one is skipped. The state of the last sync is in cch_data.price_sync, for all instances: an unchanged table costs one
 * 304, and that is asked for only while the stored rows are as the last sync left them. A failure changes nothing but
 * the status. Thread-safe. */
#pragma once

#include "config/config.h"
#include "prices/apply/apply.h"

typedef struct PriceSync PriceSync;

/* The strings must outlive it. CONFIG for a URL that is none. */
PriceSync *price_sync_new(const Config *config, const char *dsn, GError **error);
/* Starts the schedule, unless its interval is 0. */
void price_sync_start(PriceSync *sync);
/* Stops it; NULL is ignored. */
void price_sync_free(PriceSync *sync);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PriceSync, price_sync_free)

typedef struct {
  const char *const *overwrite, *const *leave_out; /* as price_apply's */
  gboolean is_dry_run, is_forced;
  gboolean is_scheduled;  /* nobody looks: changes beyond the limit are held back */
  gboolean is_beside_hub; /* although a hub keeps the table itself: PRICES_HUB_KEEPS without it, but in a dry run */
  const char
      *check_id; /* apply what this check showed; NULL: what this operator's last check showed, if it is recent */
  const char *operator_name, *operator_ip;
} PriceSyncOptions;

/* `ret_upstream_status` (may be NULL) is the cloud's last answer, 0 for none, also when it failed. PRICES_UPSTREAM when
 * nothing usable could be fetched; PRICES_SYNC_RUNNING when another did not end; PRICES_STALE when a check's result is
 * asked for and is gone, or has been overtaken; and price_apply's. */
PriceReport *price_sync_run(PriceSync *sync, const PriceSyncOptions *options, guint *ret_upstream_status,
                            GCancellable *cancellable, GError **error);

/* Downloads and shows what a sync would do (a dry run with conflicts), and keeps the download for the next
 * price_sync_run. `ret_check_id` names it; free with g_free. */
PriceReport *price_sync_check(PriceSync *sync, const PriceSyncOptions *options, char **ret_check_id,
                              guint *ret_upstream_status, GCancellable *cancellable, GError **error);

/* How many models the cloud's table has now, and its version (free with g_free; may be NULL). */
gboolean price_sync_count(PriceSync *sync, guint *ret_count, char **ret_version, guint *ret_upstream_status,
                          GCancellable *cancellable, GError **error);

/* The status as JSON; free with g_free. NULL with DATABASE_*. */
char *price_sync_status(PriceSync *sync, GError **error);
