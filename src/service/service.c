#include "service/service.h"

#include "audit/http/routes.h"
#include "auth/http/routes.h"
#include "auth/secret_file.h"
#include "backup/http/routes.h"
#include "backup/side/janitor.h"
#include "backup/statistics/statistics.h"
#include "base/error.h"
#include "base/log.h"
#include "base/os/directory.h"
#include "base/os/notify_socket.h"
#include "base/text.h"
#include "base/wait.h"
#include "batch/http/routes.h"
#include "demo/demo.h"
#include "http/server.h"
#include "monitor/watch.h"
#include "notify/http/routes.h"
#include "pg/cluster/cluster.h"
#include "pg/dsn/dsn.h"
#include "pg/migrate/migrate.h"
#include "prices/http/routes.h"
#include "redis/redis.h"
#include "schedule/http/routes.h"
#include "service/api.h"
#include "service/health.h"
#include "service/metrics.h"
#include "upload/http/routes.h"
#include "upload/temp_file.h"
#include "web/http/routes.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SHORT_TOKEN_BYTES  16
#define MIGRATION_RETRY_MS 5000
#define DEMO_REQUESTS      20000 /* a few seconds */
#define MALLOC_ARENAS      2     /* each keeps what its threads have freed; glibc has eight for each processor */

typedef struct {
  const Config *config;
  Language language;
  gboolean with_demo;
  int lock_fd; /* of the data directory */
  PgCluster *cluster;
  char *dsn;
  PgPool *pool;                         /* of connections to it */
  char *admin_token, *admin_token_path; /* the path is NULL for a configured token */
  gboolean is_token_new;
  AuthHttp auth;
  UploadHttp uploads;
  BackupHttp backup;
  PriceHttp prices;
  BatchHttp batch;
  AuditHttp audit;
  NotifyHttp notify;
  ScheduleHttp schedule;
  HealthHttp *health;
  MetricsHttp *metrics;
  MonitorWatch *watch;
  TempFileJanitor *janitor;
  DatabaseJanitor *database_janitor;
  HttpServer *server;
  GCancellable *stop;     /* the caller's */
  GCancellable *stopping; /* our own; also triggered if the start failed */
  GThread *migration;     /* NULL: not needed, or done */
  GError *refusal;        /* of the migration, which ends the service; NULL: none */
} Service;

static void
service_clear(Service *service)
{
  g_cancellable_cancel(service->stopping);
  g_clear_pointer(&service->server, http_server_free);
  g_clear_pointer(&service->migration, g_thread_join);
  g_clear_pointer(&service->prices.sync, price_sync_free);
  g_clear_pointer(&service->watch, monitor_watch_stop);
  g_clear_pointer(&service->schedule.scheduler, scheduler_free);
  g_clear_pointer(&service->notify.notify, notify_free);
  g_clear_pointer(&service->janitor, temp_file_janitor_free);
  g_clear_pointer(&service->database_janitor, database_janitor_free);
  g_clear_pointer(&service->backup.statistics, statistics_keeper_free);
  g_clear_pointer(&service->uploads.uploads, uploads_close);
  g_clear_pointer(&service->backup.running, running_free);
  g_clear_pointer(&service->health, health_http_free);
  g_clear_pointer(&service->metrics, metrics_http_free);
  g_clear_pointer(&service->auth.auth, auth_free);
  g_clear_pointer(&service->pool, pg_pool_free);
  g_clear_pointer(&service->cluster, pg_cluster_close);
  g_clear_pointer(&service->dsn, g_free);
  g_clear_pointer(&service->admin_token, g_free);
  g_clear_pointer(&service->admin_token_path, g_free);
  g_clear_object(&service->stopping);
  if (service->lock_fd >= 0)
    close(service->lock_fd);
}

/* Two instances on one data directory would accidentally share a token file and a cluster. */
static gboolean
own_data_dir(Service *service, GError **error)
{
  const char *directory = service->config->data_dir;
  if (!directory_ensure(directory, error))
    return FALSE;
  g_autofree char *path = g_build_filename(directory, "service.lock", NULL);
  service->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (service->lock_fd < 0) {
    error_set_errno(error, errno, "open %s", path);
    return FALSE;
  }
  if (flock(service->lock_fd, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  error_set(error, CCH_ERROR_CONFIG, "another cch-data serves from the data directory %s", directory);
  return FALSE;
}

/* Checks the room at start; otherwise a later upload would report it. */
static gboolean
check_temp_dir(const Config *config, GError **error)
{
  if (g_file_test(config->temp_dir, G_FILE_TEST_IS_DIR) && access(config->temp_dir, W_OK | X_OK) == 0)
    return TRUE;
  error_set(error, CCH_ERROR_CONFIG, "TEMP_DIR is a directory that can be written to, not \"%s\"", config->temp_dir);
  return FALSE;
}

static gboolean
find_dsn(Service *service, GError **error)
{
  const Config *config = service->config;
  if (config->redis_url != NULL && !redis_url_check(config->redis_url, error))
    return FALSE;
  if (config->dsn != NULL) {
    g_autofree char *ignored = NULL;
    service->dsn = g_strdup(config->dsn);
    if (!dsn_check(config->dsn, &ignored, error))
      return FALSE;
    if (ignored != NULL)
      log_event(LOG_WARNING, "DSN parameters passed over", "names", ignored, NULL);
    return TRUE;
  }
  PgClusterOptions options = {config->data_dir, config->pg_bin_dir, config->cluster_user};
  service->cluster = pg_cluster_open(&options, service->stop, error);
  if (service->cluster == NULL)
    return FALSE;
  service->dsn = g_strdup(pg_cluster_dsn(service->cluster));
  return TRUE;
}

static gboolean
find_database(Service *service, GError **error)
{
  if (!find_dsn(service, error))
    return FALSE;
  service->pool = pg_pool_new(service->dsn);
  return TRUE;
}

/* "change-me" is the value in example files: nobody has chosen a token. */
static gboolean
find_admin_token(Service *service, GError **error)
{
  const char *configured = service->config->admin_token;
  if (configured != NULL && strcmp(configured, "change-me") == 0)
    log_event(LOG_WARNING, "ADMIN_TOKEN is change-me", "reason", "everybody knows it; a token of our own is used",
              NULL);
  else if (configured != NULL && strlen(configured) < SHORT_TOKEN_BYTES)
    log_event(LOG_WARNING, "ADMIN_TOKEN is short", "reason", "fewer than 16 bytes can be guessed; choose a longer one",
              NULL);
  if (configured != NULL && strcmp(configured, "change-me") != 0) {
    service->admin_token = g_strdup(configured);
    return TRUE;
  }
  service->admin_token_path = g_build_filename(service->config->data_dir, "admin-token", NULL);
  service->admin_token = secret_file_load(service->admin_token_path, &service->is_token_new, error);
  return service->admin_token != NULL;
}

static gboolean
open_auth(Service *service, GError **error)
{
  AuthOptions options = {
      .pool = service->pool,
      .admin_token = service->admin_token,
      .session_ttl_s = (guint)service->config->session_ttl_s,
  };
  g_autofree char *secret = NULL;
  if (service->admin_token_path != NULL) {
    g_autofree char *path = g_build_filename(service->config->data_dir, "session-secret", NULL);
    secret = secret_file_load(path, NULL, error);
    if (secret == NULL)
      return FALSE;
  }
  session_derive_secret(service->admin_token, secret, options.session_secret);
  service->auth = (AuthHttp){auth_new(&options), service->config->secure_cookies};
  sodium_memzero(options.session_secret, sizeof options.session_secret);
  return TRUE;
}

/* Tells the administrator at once, instead of when a backup is needed. */
static void
warn_without_client(const Service *service, PgConnection *connection)
{
  g_auto(PgClient) client = {0};
  g_autoptr(GError) failure = NULL;
  const PgClientOptions options = {service->config->pg_bin_dir, service->config->pg_dump_command};
  if (!pg_client_choose(&options, pg_connection_server_version(connection), &client, &failure))
    log_event(LOG_WARNING, error_info(failure)->text[service->language], "code", error_info(failure)->code, "reason",
              failure->message, NULL);
}

/* The steps that need the database. */
static gboolean
prepare_database(Service *service, GError **error)
{
  g_autoptr(PgConnection) connection = pg_connection_open(service->dsn, "cch-data migrate", service->stopping, error);
  MigrateResult result = {0};
  if (connection == NULL)
    return FALSE;
  warn_without_client(service, connection);
  if (!pg_migrate_check(connection, error))
    return FALSE;
  if (!service->config->auto_migrate)
    return TRUE;
  if (!pg_migrate(connection, &result, error))
    return FALSE;
  char applied[12];
  g_snprintf(applied, sizeof applied, "%u", result.n_applied);
  log_event(LOG_INFO, "migrated", "applied", applied, "hub_managed", result.is_hub_managed ? "yes" : "no", "hub_tables",
            result.has_hub_tables ? "ours" : "not ours", NULL);
  return TRUE;
}

/* What works by itself, and writes into the database. */
static void
start_workers(Service *service)
{
  const Config *config = service->config;
  BackupLockOptions lock = {.dsn = service->dsn, .redis_url = config->redis_url, .ttl_ms = (guint)config->lock_ttl_ms};
  service->database_janitor = database_janitor_start(&lock, (guint)config->temp_cleanup_interval_s);
  price_sync_start(service->prices.sync);
  notify_start(service->notify.notify);
  service->watch = monitor_watch_start(service->pool, config, service->notify.notify);
  scheduler_start(service->schedule.scheduler);
}

/* A database that is unreachable at the start may come back; the service runs meanwhile and reports it. Nothing works
 * by itself before it is known that no newer version has migrated the database. */
static gpointer
migration_thread(gpointer data)
{
  Service *service = data;
  LogRepeat away = {0};
  do {
    g_autoptr(GError) error = NULL;
    if (prepare_database(service, &error)) {
      start_workers(service);
      return NULL;
    }
    if (error_code(error) == CCH_ERROR_CANCELLED)
      return NULL;
    if (error_code(error) == CCH_ERROR_MIGRATION_NEWER) {
      service->refusal = g_steal_pointer(&error);
      g_cancellable_cancel(service->stop);
      return NULL;
    }
    gboolean is_away = error_info(error)->http_status == 503;
    guint n = 0;
    if (!is_away || log_repeat_is_due(&away, &n)) {
      g_autofree char *attempts = n > 1 ? g_strdup_printf("%u", n) : NULL;
      log_event(LOG_WARNING, is_away ? "database away" : "migration failed", "code", error_info(error)->code, "reason",
                error->message, "attempts", attempts, NULL);
    }
    if (!is_away) { /* trying again would not help */
      start_workers(service);
      return NULL;
    }
  } while (sleep_ms(MIGRATION_RETRY_MS, service->stopping, NULL));
  return NULL;
}

/* Our own cluster must be ready when the service says that it is. A configured database may need time, or a permission:
 * it is prepared meanwhile. */
static gboolean
prepare_cluster(Service *service, GError **error)
{
  return service->cluster == NULL || prepare_database(service, error);
}

/* Only in our own cluster: a configured database may be empty because its hub has just been set up. */
static gboolean
fill_with_demo(Service *service, GError **error)
{
  if (!service->with_demo || service->cluster == NULL)
    return TRUE;
  g_autoptr(PgConnection) connection = pg_connection_open(service->dsn, "cch-data demo", service->stopping, error);
  if (connection == NULL)
    return FALSE;
  g_autoptr(GError) failure = NULL;
  const DemoOptions options = {.n_requests = DEMO_REQUESTS, .seed = 1};
  if (demo_fill(connection, &options, NULL, NULL, &failure)) {
    log_event(LOG_INFO, "filled with demo data", NULL);
    return TRUE;
  }
  if (error_code(failure) == CCH_ERROR_DEMO_NOT_EMPTY)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}

static gboolean
start_server(Service *service, GError **error)
{
  const Config *config = service->config;
  if (config->base_path != NULL && !http_base_path_is_valid(config->base_path)) {
    error_set(error, CCH_ERROR_CONFIG, "BASE_PATH is a path without a slash at its end, as /cch, not \"%s\"",
              config->base_path);
    return FALSE;
  }
  HttpServerOptions options = {
      .address = config->listen_address,
      .port = (guint16)config->listen_port,
      .upload_idle_timeout_s = (guint)config->upload_idle_timeout_s,
      .download_idle_timeout_s = (guint)config->download_idle_timeout_s,
      .trust_proxy = config->trust_proxy,
      .base_path = config->base_path,
  };
  service->server = http_server_new(&options);
  metrics_http_set_server(service->metrics, service->server);
  http_server_set_guard(service->server, auth_http_guard, &service->auth);
  const gpointer contexts[API_N_DOMAINS] = {
      [API_AUTH] = &service->auth,         [API_UPLOADS] = &service->uploads, [API_BACKUP] = &service->backup,
      [API_PRICES] = &service->prices,     [API_BATCH] = &service->batch,     [API_AUDIT] = &service->audit,
      [API_NOTIFY] = &service->notify,     [API_HEALTH] = service->health,    [API_METRICS] = service->metrics,
      [API_SCHEDULE] = &service->schedule,
  };
  for (guint domain = 0; domain < API_N_DOMAINS; domain++)
    http_server_add_routes(service->server, api_routes[domain], contexts[domain]);
  http_server_add_routes(service->server, web_http_routes, NULL);
  return http_server_start(service->server, error);
}

static gboolean
service_start(Service *service, GError **error)
{
  const Config *config = service->config;
  if (!check_temp_dir(config, error) || !own_data_dir(service, error) || !find_database(service, error) ||
      !find_admin_token(service, error) || !open_auth(service, error) || !prepare_cluster(service, error) ||
      !fill_with_demo(service, error))
    return FALSE;
  const UploadsOptions options = {
      .directory = config->temp_dir,
      .max_bytes = config->max_upload_bytes,
      .max_total_bytes = config->upload_keep_bytes,
      .life_s = (guint)MIN(config->upload_keep_s, config->temp_max_age_s), /* the janitor considers the age only */
      .stall_s = (guint)config->upload_idle_timeout_s,
  };
  service->uploads = (UploadHttp){config, uploads_open(&options)};
  StatisticsKeeper *statistics = statistics_keeper_start(service->dsn, (guint)config->temp_cleanup_interval_s);
  service->backup = (BackupHttp){config, service->pool, service->uploads.uploads, running_new(), statistics};
  service->batch = (BatchHttp){config, service->pool};
  service->audit = (AuditHttp){service->pool};
  service->notify = (NotifyHttp){service->pool, notify_new(service->pool, config), config->data_dir};
  service->prices =
      (PriceHttp){config, service->pool, price_sync_new(config, service->dsn, service->notify.notify, error)};
  if (service->prices.sync == NULL)
    return FALSE;
  Scheduler *scheduler = scheduler_new(config, service->pool, service->notify.notify, service->cluster != NULL);
  service->schedule = (ScheduleHttp){config, service->pool, scheduler, service->uploads.uploads};
  const PgClientOptions client = {config->pg_bin_dir, config->pg_dump_command};
  service->metrics = metrics_http_new(service->pool, config, &service->auth, &service->backup);
  service->health = health_http_new(service->pool, config->redis_url, &client);
  service->janitor =
      temp_file_janitor_start(config->temp_dir, (guint)config->temp_cleanup_interval_s, (guint)config->temp_max_age_s);
  if (!start_server(service, error))
    return FALSE;
  if (service->cluster != NULL)
    start_workers(service);
  else
    service->migration = g_thread_new("migrate", migration_thread, service);
  return TRUE;
}

static void
say(const Service *service, TextId id, ...)
{
  va_list args;
  va_start(args, id);
  g_autofree char *text = text_vformat(id, service->language, args);
  va_end(args);
  printf("%s\n", text); /* not g_print, which writes only ASCII in a C locale */
  fflush(stdout);
}

static void
introduce(const Service *service)
{
  if (service->is_token_new)
    say(service, TEXT_SERVICE_TOKEN_MADE, service->admin_token_path, service->admin_token);
  else if (service->admin_token_path != NULL)
    say(service, TEXT_SERVICE_TOKEN_KEPT, service->admin_token_path);
  say(service, TEXT_SERVICE_LISTENING, http_server_url(service->server));
}

/* Waits until `stop` is triggered. Meanwhile a service manager's watchdog hears of us, three times in its interval, as
 * long as connections are looked after. */
static void
wait_for(GCancellable *stop, const NotifySocket *manager, HttpServer *server)
{
  GPollFD triggered = {0};
  if (!g_cancellable_make_pollfd(stop, &triggered))
    return;
  const gint interval_ms = manager->watchdog_ms > 0 ? (gint)MAX(manager->watchdog_ms / 3, 1) : -1;
  while (g_poll(&triggered, 1, interval_ms) <= 0) /* late, or interrupted */
    if (interval_ms > 0 && http_server_turns(server, (guint)interval_ms))
      notify_socket_send(manager, "WATCHDOG=1");
  g_cancellable_release_fd(stop);
}

gboolean
service_run(const Config *config, const ServiceOptions *options, GCancellable *stop, GError **error)
{
  if (sodium_init() < 0) {
    error_set(error, CCH_ERROR_INTERNAL, "libsodium has no source of randomness");
    return FALSE;
  }
  signal(SIGPIPE, SIG_IGN);
  g_auto(NotifySocket) manager = {0};
  notify_socket_take(&manager);
  mallopt(M_ARENA_MAX, MALLOC_ARENAS);
  Service service = {.config = config,
                     .language = options->language,
                     .with_demo = options->with_demo,
                     .lock_fd = -1,
                     .stop = stop,
                     .stopping = g_cancellable_new()};
  gboolean is_started = service_start(&service, error);
  if (is_started) {
    introduce(&service);
    log_event(LOG_INFO, "started", "version", CCH_VERSION, "address", http_server_url(service.server), NULL);
    notify_socket_send(&manager, "READY=1");
    wait_for(stop, &manager, service.server);
    notify_socket_send(&manager, "STOPPING=1");
    say(&service, TEXT_SERVICE_STOPPING);
  }
  service_clear(&service);
  if (is_started)
    log_event(LOG_INFO, "stopped", NULL);
  if (service.refusal != NULL) {
    if (is_started)
      g_propagate_error(error, service.refusal);
    else
      g_error_free(service.refusal);
    return FALSE;
  }
  return is_started;
}
