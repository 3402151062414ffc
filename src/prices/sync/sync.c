#include "prices/sync/sync.h"

#include "base/error.h"
#include "base/exact/json_scan.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random_id.h"
#include "base/wait.h"
#include "prices/apply/held.h"
#include "prices/sync/download.h"
#include "prices/sync/sync_checks.h"
#include "prices/sync/sync_lock.h"
#include "prices/sync/sync_state.h"
#include "prices_sql.h"

#include <string.h>

#define STALE_FAILURES 3 /* in a row */

enum {
  LOCK_WAIT_MS = 120000, /* for a requested sync while another one runs */
  ASKED_ROUNDS = 2,      /* through the mirrors, for a requested sync */
  SCHEDULED_ROUNDS = 4,
  START_RETRY_S = 5, /* until the database is reachable and migrated */
  AWAY_RETRY_S = 60  /* later, if the database is unreachable or another instance syncs */
};

struct PriceSync {
  const Config *config;
  const char *dsn;
  Notify *notify; /* NULL: messages wait for a service */
  char **urls;
  GCancellable *stopping;
  GThread *thread;   /* NULL: there is no schedule */
  LogRepeat put_off; /* used by the thread only */
  SyncChecks *checks;
  GMutex mutex; /* guards the members below */
  guint n_running;
  gint64 next_us;         /* real time of the next scheduled sync; 0: none */
  gboolean leaves_to_hub; /* the schedule is idle, because a hub keeps the table */
};

static char **
split_urls(const char *text, GError **error)
{
  g_auto(GStrv) words = g_strsplit_set(text, ", \t\r\n", -1);
  g_autoptr(GStrvBuilder) urls = g_strv_builder_new();
  guint n = 0;
  for (char **word = words; *word != NULL; word++) {
    if (**word == '\0')
      continue;
    g_autoptr(GUri) uri = g_uri_parse(*word, G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
    const char *scheme = uri != NULL ? g_uri_get_scheme(uri) : "";
    if ((strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0) || g_uri_get_host(uri) == NULL) {
      error_set(error, CCH_ERROR_CONFIG, "PRICE_SYNC_URL: only https:// and http:// URLs are known");
      return NULL;
    }
    g_strv_builder_add(urls, *word);
    n++;
  }
  if (n > 0)
    return g_strv_builder_end(urls);
  error_set(error, CCH_ERROR_CONFIG, "PRICE_SYNC_URL names no URL");
  return NULL;
}

PriceSync *
price_sync_new(const Config *config, const char *dsn, Notify *notify, GError **error)
{
  char **urls = split_urls(config->price_sync_url, error);
  if (urls == NULL)
    return NULL;
  PriceSync *sync = g_new0(PriceSync, 1);
  sync->config = config;
  sync->dsn = dsn;
  sync->notify = notify;
  sync->urls = urls;
  sync->stopping = g_cancellable_new();
  sync->checks = sync_checks_new();
  g_mutex_init(&sync->mutex);
  return sync;
}

void
price_sync_free(PriceSync *sync)
{
  if (sync == NULL)
    return;
  g_cancellable_cancel(sync->stopping);
  g_clear_pointer(&sync->thread, g_thread_join);
  sync_checks_free(sync->checks);
  g_strfreev(sync->urls);
  g_object_unref(sync->stopping);
  g_mutex_clear(&sync->mutex);
  g_free(sync);
}

static DownloadOptions
download_options(const PriceSync *sync, guint rounds)
{
  return (DownloadOptions){.urls = (const char *const *)sync->urls,
                           .rounds = rounds,
                           .timeout_ms = (guint)sync->config->price_sync_timeout_s * 1000,
                           .allow_other_hosts = sync->config->price_sync_redirects};
}

/* A 304 is valid only while the stored rows are what the last sync made of that table. */
static gboolean
know_last(PgConnection *connection, SyncState *last, DownloadOptions *options, GError **error)
{
  if (!sync_state_read(connection, last, error))
    return FALSE;
  g_autofree char *state = last->state != NULL ? price_state_read(connection, error) : NULL;
  if (last->state != NULL && state == NULL)
    return FALSE;
  if (g_strcmp0(state, last->state) == 0 && state != NULL) {
    options->known_url = last->url;
    options->etag = last->etag;
    options->last_modified = last->last_modified;
  }
  return TRUE;
}

static PriceApplyOptions
apply_options(const PriceSync *sync, const PriceSyncOptions *options, gboolean hub_keeps)
{
  return (PriceApplyOptions){.is_sync = TRUE,
                             .overwrite = options->overwrite,
                             .leave_out = options->leave_out,
                             .is_dry_run = options->is_dry_run,
                             .is_forced = options->is_forced,
                             .change_limit = options->is_scheduled ? (guint)sync->config->price_sync_change_limit : 0,
                             .keeps_hub_fields = hub_keeps,
                             .operator_name = options->operator_name,
                             .operator_ip = options->operator_ip,
                             .lock_wait_s = (guint)sync->config->lock_wait_s};
}

/* Uses the download of a check, or downloads now. */
static PriceReport *
apply_checked(PriceSync *sync, PgConnection *connection, const PriceSyncOptions *options, SyncCheck **check,
              gboolean hub_keeps, GError **error)
{
  PriceApplyOptions apply = apply_options(sync, options, hub_keeps);
  apply.expected_state = (*check)->state;
  g_autoptr(GError) problem = NULL;
  g_autoptr(PriceReport) report = price_apply(connection, (*check)->download.table, &apply, &problem);
  gboolean is_used = report != NULL ? !options->is_dry_run : error_code(problem) == CCH_ERROR_PRICES_STALE;
  gboolean is_good = report != NULL && (options->is_dry_run ||
                                        sync_state_note_success(connection, &(*check)->download, report, &problem));
  if (!is_used)
    sync_checks_keep(sync->checks, g_steal_pointer(check)); /* it may be tried again, for instance forced */
  if (is_good)
    return g_steal_pointer(&report);
  g_propagate_error(error, g_steal_pointer(&problem));
  return NULL;
}

static PriceReport *
download_and_apply(PriceSync *sync, PgConnection *connection, const PriceSyncOptions *options, guint rounds,
                   gboolean hub_keeps, Download *download, GCancellable *cancellable, GError **error)
{
  DownloadOptions wanted = download_options(sync, rounds);
  g_auto(SyncState) last = {0};
  guint n_held = 0;
  if (!sync_state_count_held(connection, &n_held, error))
    return NULL;
  /* A requested sync applies changes that were held back, even if the table is unchanged. */
  gboolean holds_back = options->is_scheduled && sync->config->price_sync_change_limit > 0;
  gboolean chooses = (options->overwrite != NULL && options->overwrite[0] != NULL) ||
                     (options->leave_out != NULL && options->leave_out[0] != NULL);
  gboolean needs_table = options->is_dry_run || options->is_forced || chooses || (n_held > 0 && !holds_back);
  if ((!needs_table && !know_last(connection, &last, &wanted, error)) ||
      !download_prices(&wanted, download, cancellable, error))
    return NULL;
  PriceApplyOptions apply = apply_options(sync, options, hub_keeps);
  g_autoptr(PriceReport) report = download->table != NULL
                                      ? price_apply(connection, download->table, &apply, error)
                                      : sync_state_unchanged(connection, options->is_dry_run, error);
  if (report == NULL || (!options->is_dry_run && !sync_state_note_success(connection, download, report, error)))
    return NULL;
  return g_steal_pointer(&report);
}

static void
count_running(PriceSync *sync, int n)
{
  g_mutex_lock(&sync->mutex);
  sync->n_running += (guint)n;
  g_mutex_unlock(&sync->mutex);
}

static void
log_failure(const char *event, const GError *error)
{
  log_event(LOG_WARNING, event, "code", error_info(error)->code, "reason", error->message, NULL);
}

static void
log_outcome(const PriceReport *report, guint status, const GError *error)
{
  if (report == NULL) {
    log_failure("price sync failed", error);
    return;
  }
  char counts[6][12];
  const guint numbers[] = {report->added->len, report->updated->len, report->removed->len, report->failed->len, status,
                           report->held->len};
  for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
    g_snprintf(counts[i], sizeof counts[i], "%u", numbers[i]);
  log_event(report->held->len > 0 ? LOG_WARNING : LOG_INFO, "prices synced", "added", counts[0], "updated", counts[1],
            "removed", counts[2], "failed", counts[3], "upstream_status", counts[4], "held_back", counts[5], NULL);
}

/* Creates the state tables in a database that was never migrated here; if that fails, the sync runs without them. */
static void
make_state(PriceSync *sync, PgConnection *connection)
{
  g_autoptr(GError) problem = NULL;
  if (sync->config->auto_migrate && !sync_state_make(connection, &problem) &&
      error_code(problem) != CCH_ERROR_PRICES_NO_TABLE)
    log_event(LOG_WARNING, "price sync keeps no state", "code", error_info(problem)->code, "reason", problem->message,
              NULL);
}

static gboolean
check_hub(const PriceSync *sync, PgConnection *connection, const PriceSyncOptions *options, gboolean *ret_hub_keeps,
          GError **error)
{
  if (!sync_state_hub_keeps(connection, ret_hub_keeps, error))
    return FALSE;
  if (!*ret_hub_keeps || options->is_dry_run || options->is_beside_hub || sync->config->price_sync_beside_hub)
    return TRUE;
  error_set(error, CCH_ERROR_PRICES_HUB_KEEPS,
            "public.cloud_pricing_catalog is less than a week old; the hub's next sync would take this one back");
  return FALSE;
}

/* Also after a failed sync: somebody may have approved or rejected the changes meanwhile. */
static void
tell_held(PriceSync *sync, PgConnection *connection)
{
  guint n_held = 0;
  g_autoptr(GError) problem = NULL;
  if (sync_state_count_held(connection, &n_held, &problem)) {
    g_autoptr(json_t) details = json_pack("{s:i}", "count", (int)n_held);
    if (notify_state(sync->notify, connection, "prices", NOTIFY_PRICES_HELD, n_held > 0, details, &problem))
      return;
  }
  log_failure("nobody is told of held prices", problem);
}

/* Runs with the lock held. */
static PriceReport *
run_locked(PriceSync *sync, PgConnection *connection, const PriceSyncOptions *options, guint rounds,
           guint *ret_upstream_status, GCancellable *cancellable, GError **error)
{
  g_autoptr(SyncCheck) check = NULL;
  g_auto(Download) download = {0};
  g_autoptr(GError) problem = NULL;
  gboolean hub_keeps = FALSE;
  if (!check_hub(sync, connection, options, &hub_keeps, error) ||
      !sync_checks_take(sync->checks, options->check_id, options->operator_name, &check, error))
    return NULL;
  if (!options->is_dry_run)
    make_state(sync, connection);
  g_autoptr(PriceReport) report = check != NULL ? apply_checked(sync, connection, options, &check, hub_keeps, &problem)
                                                : download_and_apply(sync, connection, options, rounds, hub_keeps,
                                                                     &download, cancellable, &problem);
  *ret_upstream_status = download.status;
  if (!options->is_dry_run)
    log_outcome(report, download.status, problem);
  if (report == NULL && !options->is_dry_run && error_code(problem) != CCH_ERROR_CANCELLED) {
    pg_connection_set_cancellable(connection, NULL);
    sync_state_note_failure(connection, problem, download.status, NULL);
  }
  if (!options->is_dry_run && pg_connection_is_alive(connection) &&
      (problem == NULL || error_code(problem) != CCH_ERROR_CANCELLED))
    tell_held(sync, connection);
  if (report == NULL)
    g_propagate_error(error, g_steal_pointer(&problem));
  return g_steal_pointer(&report);
}

PriceReport *
price_sync_run(PriceSync *sync, const PriceSyncOptions *options, guint *ret_upstream_status, GCancellable *cancellable,
               GError **error)
{
  guint upstream_status = 0;
  g_autoptr(PgConnection) connection = pg_connection_open(sync->dsn, "cch-data prices", cancellable, error);
  if (connection == NULL)
    return NULL;
  count_running(sync, 1);
  g_autoptr(SyncLock) lock =
      sync_lock_take(connection, sync->config->redis_url, options->operator_name, LOCK_WAIT_MS, cancellable, error);
  PriceReport *report =
      lock != NULL ? run_locked(sync, connection, options, ASKED_ROUNDS, &upstream_status, cancellable, error) : NULL;
  count_running(sync, -1);
  if (ret_upstream_status != NULL)
    *ret_upstream_status = upstream_status;
  return report;
}

PriceReport *
price_sync_check(PriceSync *sync, const PriceSyncOptions *options, char **ret_check_id, guint *ret_upstream_status,
                 GCancellable *cancellable, GError **error)
{
  g_autoptr(SyncCheck) check = g_new0(SyncCheck, 1);
  DownloadOptions wanted = download_options(sync, ASKED_ROUNDS);
  g_autoptr(GError) problem = NULL;
  gboolean is_there = download_prices(&wanted, &check->download, cancellable, &problem);
  if (ret_upstream_status != NULL)
    *ret_upstream_status = check->download.status;
  if (!is_there) {
    log_failure("price sync check failed", problem);
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  g_autoptr(PgConnection) connection = pg_connection_open(sync->dsn, "cch-data prices", cancellable, error);
  gboolean hub_keeps = FALSE;
  if (connection == NULL || !sync_state_hub_keeps(connection, &hub_keeps, error))
    return NULL;
  PriceApplyOptions apply = apply_options(sync, options, hub_keeps);
  apply.is_dry_run = TRUE;
  PriceReport *report = price_apply(connection, check->download.table, &apply, error);
  if (report == NULL)
    return NULL;
  check->id = random_id_new(16);
  check->operator_name = g_strdup(options->operator_name);
  check->state = g_strdup(report->state);
  check->made_us = g_get_monotonic_time();
  *ret_check_id = g_strdup(check->id);
  sync_checks_keep(sync->checks, g_steal_pointer(&check));
  return report;
}

/* After a 304 the count is the former one, whatever has become of the stored rows. */
gboolean
price_sync_count(PriceSync *sync, guint *ret_count, char **ret_version, guint *ret_upstream_status,
                 GCancellable *cancellable, GError **error)
{
  g_auto(SyncState) last = {0};
  g_auto(Download) download = {0};
  DownloadOptions wanted = download_options(sync, 1);
  g_autoptr(PgConnection) connection = pg_connection_open(sync->dsn, "cch-data prices", cancellable, NULL);
  if (connection != NULL && sync_state_read(connection, &last, NULL) && last.model_count > 0) {
    wanted.known_url = last.url;
    wanted.etag = last.etag;
    wanted.last_modified = last.last_modified;
  }
  gboolean is_there = download_prices(&wanted, &download, cancellable, error);
  *ret_upstream_status = download.status;
  if (!is_there)
    return FALSE;
  *ret_count = download.table != NULL ? download.table->models->len : last.model_count;
  *ret_version = g_strdup(download.table != NULL ? download.table->version : last.version);
  return TRUE;
}

/* Seconds until the next sync; 0: now. */
static gboolean
time_left(PriceSync *sync, PgConnection *connection, gboolean is_start, gint64 *ret_left_s, GError **error)
{
  g_auto(SyncState) last = {0};
  g_autofree char *is_empty = NULL;
  if (!sync_state_read(connection, &last, error) ||
      !pg_connection_value(connection, &is_empty, error, "SELECT NOT EXISTS (SELECT FROM public.model_prices)", 0))
    return FALSE;
  gint64 interval_s = (gint64)sync->config->price_sync_interval_s;
  if (is_start && g_strcmp0(is_empty, "t") == 0)
    *ret_left_s = 0;
  else
    *ret_left_s = last.try_age_s < 0 ? (is_start ? interval_s : 0) : MAX(interval_s - last.try_age_s, 0);
  return TRUE;
}

/* Whether the schedule is idle because a hub keeps the table; logs when that begins. */
static gboolean
leave_to_hub(PriceSync *sync, PgConnection *connection)
{
  gboolean hub_keeps = FALSE;
  if (!sync_state_hub_keeps(connection, &hub_keeps, NULL))
    return FALSE; /* the sync itself will report it */
  gboolean leaves = hub_keeps && !sync->config->price_sync_beside_hub;
  g_mutex_lock(&sync->mutex);
  gboolean is_new = leaves && !sync->leaves_to_hub;
  sync->leaves_to_hub = leaves;
  g_mutex_unlock(&sync->mutex);
  if (is_new)
    log_event(LOG_INFO, "price sync left to the hub", "reason",
              "the hub keeps the price table itself (cloud_pricing_catalog); PRICE_SYNC_BESIDE_HUB syncs all the same",
              NULL);
  return leaves;
}

/* Runs what is due in the schedule; returns the seconds until the next look. `is_start` becomes FALSE when the
 * database has been reached. */
static gint64
run_scheduled(PriceSync *sync, gboolean *is_start)
{
  const PriceSyncOptions options = {.operator_name = "price sync schedule", .is_scheduled = TRUE};
  gint64 interval_s = (gint64)sync->config->price_sync_interval_s, left_s = 0;
  g_autoptr(GError) error = NULL;
  g_autoptr(PgConnection) connection = pg_connection_open(sync->dsn, "cch-data prices", sync->stopping, &error);
  g_autoptr(SyncLock) lock = connection != NULL ? sync_lock_take(connection, sync->config->redis_url,
                                                                 options.operator_name, 0, sync->stopping, &error)
                                                : NULL;
  /* Another instance may have synced meanwhile. */
  if (lock == NULL || !time_left(sync, connection, *is_start, &left_s, &error)) {
    guint n = 0;
    if (log_repeat_is_due(&sync->put_off, &n))
      log_event(*is_start || error_code(error) == CCH_ERROR_PRICES_SYNC_RUNNING ? LOG_INFO : LOG_WARNING,
                "price sync put off", "code", error_info(error)->code, "reason", error->message, NULL);
    return MIN(interval_s, *is_start ? START_RETRY_S : AWAY_RETRY_S);
  }
  *is_start = FALSE;
  log_repeat_end(&sync->put_off);
  if (left_s > 0)
    return left_s;
  if (leave_to_hub(sync, connection))
    return interval_s;
  guint upstream_status = 0;
  count_running(sync, 1);
  g_autoptr(PriceReport) report =
      run_locked(sync, connection, &options, SCHEDULED_ROUNDS, &upstream_status, sync->stopping, &error);
  count_running(sync, -1);
  return interval_s;
}

static gpointer
schedule_thread(gpointer data)
{
  PriceSync *sync = data;
  gboolean is_start = TRUE;
  while (!g_cancellable_is_cancelled(sync->stopping)) {
    gint64 wait_s = run_scheduled(sync, &is_start);
    g_mutex_lock(&sync->mutex);
    sync->next_us = g_get_real_time() + wait_s * G_USEC_PER_SEC;
    g_mutex_unlock(&sync->mutex);
    if (!sleep_ms((guint)MIN(wait_s * 1000, G_MAXINT), sync->stopping, NULL))
      break;
  }
  return NULL;
}

void
price_sync_start(PriceSync *sync)
{
  if (sync->config->price_sync_interval_s > 0)
    sync->thread = g_thread_new("price-sync", schedule_thread, sync);
}

static char *
time_text(gint64 real_us)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(real_us / G_USEC_PER_SEC);
  g_autofree char *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
  return g_strdup_printf("\"%s\"", text);
}

char *
price_sync_status(PriceSync *sync, GError **error)
{
  g_autofree char *known = NULL;
  g_autofree char *held = NULL;
  gboolean hub_keeps = FALSE;
  PriceCatalog catalog;
  g_autoptr(PgConnection) connection = pg_connection_open(sync->dsn, "cch-data prices", NULL, error);
  if (connection == NULL || !price_catalog_read(connection, &catalog, error) ||
      !sync_state_hub_keeps(connection, &hub_keeps, error) ||
      (catalog.has_state_tables &&
       !pg_connection_value(connection, &known, error, prices_sync_status_sql, 1, G_STRINGIFY(STALE_FAILURES))) ||
      (held = price_held_list(connection, error)) == NULL)
    return NULL;
  /* Written as text, because prices are held back, whose numbers jansson would round. */
  g_autoptr(GString) out = g_string_new("{\"urls\":[");
  for (char **url = sync->urls; *url != NULL; url++) {
    g_autofree char *shown = fetch_url_display(*url);
    g_string_append(out, url > sync->urls ? "," : "");
    json_quote(out, shown);
  }
  g_mutex_lock(&sync->mutex);
  gboolean is_running = sync->n_running > 0;
  gint64 next_us = sync->next_us;
  g_mutex_unlock(&sync->mutex);
  g_autofree char *next = next_us > 0 ? time_text(next_us) : g_strdup("null");
  g_string_append_printf(
      out,
      "],\"intervalSeconds\":%" G_GUINT64_FORMAT ",\"running\":%s,\"nextAt\":%s,\"hubKeepsPrices\":%s,"
      "\"scheduled\":%s,\"changeLimit\":%" G_GUINT64_FORMAT ",\"held\":%s,\"last\":%s}",
      sync->config->price_sync_interval_s, is_running ? "true" : "false", next, hub_keeps ? "true" : "false",
      sync->config->price_sync_interval_s > 0 && (!hub_keeps || sync->config->price_sync_beside_hub) ? "true" : "false",
      sync->config->price_sync_change_limit, held, known != NULL ? known : "null");
  return g_string_free(g_steal_pointer(&out), FALSE);
}
