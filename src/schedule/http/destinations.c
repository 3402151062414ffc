#include "schedule/http/context.h"
#include "schedule/http/endpoints.h"

#include "base/error.h"

#include <string.h>

#define DESTINATIONS "/api/admin/backup-destinations"

enum { MAX_NAME_BYTES = 64 };

/* Of the secrets only the names of those that are set. */
static json_t *
secret_names(const CatalogDestination *destination, const char *data_dir)
{
  json_t *names = json_array();
  g_autoptr(SealKey) key = destination->secrets != NULL ? seal_key_load(data_dir, FALSE, NULL) : NULL;
  g_autofree char *text = key != NULL ? seal_open(key, destination->secrets, NULL) : NULL;
  g_autoptr(json_t) secrets = text != NULL ? json_loads(text, 0, NULL) : NULL;
  const char *name;
  json_t *value;
  json_object_foreach(secrets, name, value)
    json_array_append_new(names, json_string(name));
  return names;
}

static json_t *
destination_to_json(const CatalogDestination *destination, const char *data_dir)
{
  g_autoptr(GError) problem = NULL;
  g_autoptr(Storage) storage = catalog_open_destination(destination, data_dir, &problem);
  g_autofree char *address = storage != NULL ? storage_describe(storage) : NULL;
  return json_pack("{s:I, s:s, s:s, s:O, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)destination->id, "name",
                   destination->name, "kind", destination->kind, "settings", destination->settings, "secretsSet",
                   secret_names(destination, data_dir), "bandwidthBytesPerSecond",
                   (json_int_t)destination->bandwidth_bytes_s, "address", http_json_text(address), "problem",
                   http_json_text(problem != NULL ? error_info(problem)->code : NULL), "lastOkAt",
                   http_json_text(destination->last_ok_at), "lastErrorAt", http_json_text(destination->last_error_at),
                   "lastError", http_json_text(destination->last_error));
}

static HttpResponse *
list_destinations(HttpRequest *request, gpointer context, GError **error)
{
  const ScheduleHttp *http = context;
  g_autoptr(PgConnection) connection = schedule_http_connect(request, http, error);
  g_autoptr(GPtrArray) destinations = connection != NULL ? catalog_destinations(connection, error) : NULL;
  if (destinations == NULL)
    return NULL;
  json_t *list = json_array();
  for (guint i = 0; i < destinations->len; i++)
    json_array_append_new(list, destination_to_json(destinations->pdata[i], http->config->data_dir));
  return http_response_json(200, json_pack("{s:o}", "destinations", list));
}

/* Secrets that are not given stay; an empty one is removed. */
static gboolean
seal_secrets(CatalogDestination *destination, const json_t *given, const char *data_dir, GError **error)
{
  if (given == NULL)
    return TRUE;
  g_autoptr(SealKey) key = seal_key_load(data_dir, TRUE, error);
  if (key == NULL)
    return FALSE;
  /* What a lost key sealed is gone in any case. */
  g_autofree char *old = destination->secrets != NULL ? seal_open(key, destination->secrets, NULL) : NULL;
  g_autoptr(json_t) secrets = old != NULL ? json_loads(old, 0, NULL) : json_object();
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)given, name, value) {
    if (!json_is_string(value)) {
      error_set(error, CCH_ERROR_REQUEST_PARAMETER, "secrets: texts");
      return FALSE;
    }
    if (json_string_length(value) > 0)
      json_object_set(secrets, name, value);
    else
      json_object_del(secrets, name);
  }
  g_clear_pointer(&destination->secrets, g_bytes_unref);
  g_autofree char *text = json_to_text(secrets);
  if (json_object_size(secrets) > 0)
    destination->secrets = seal(key, text);
  return TRUE;
}

static gboolean
set_text(json_t *body, const char *member, gsize max_bytes, char **text, GError **error)
{
  const json_t *value = json_object_get(body, member);
  if (value == NULL && *text != NULL)
    return TRUE;
  if (!json_is_string(value) || json_string_length(value) == 0 || json_string_length(value) > max_bytes ||
      strlen(json_string_value(value)) != json_string_length(value)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s: a text of 1 to %u bytes", member, (guint)max_bytes);
    return FALSE;
  }
  g_free(*text);
  *text = g_strdup(json_string_value(value));
  return TRUE;
}

/* Whether secrets would go to another place than the one that they were entered for. `kind` is the former one. */
static gboolean
is_elsewhere(const CatalogDestination *destination, const json_t *settings, const char *kind)
{
  static const char *const addresses[] = {"url", "endpoint", "host", "port", "remote", "config", "caFile"};
  if (strcmp(destination->kind, kind) != 0)
    return TRUE;
  for (gsize i = 0; settings != NULL && i < G_N_ELEMENTS(addresses); i++) {
    const json_t *before = json_object_get(destination->settings, addresses[i]);
    const json_t *after = json_object_get(settings, addresses[i]);
    if (before != after && (before == NULL || after == NULL || !json_equal(before, after)))
      return TRUE;
  }
  return FALSE;
}

static gboolean
apply_body(CatalogDestination *destination, json_t *body, const char *data_dir, GError **error)
{
  static const char *const members[] = {"name", "kind", "settings", "secrets", "bandwidthBytesPerSecond", NULL};
  const char *key;
  json_t *value;
  json_object_foreach(body, key, value)
    if (!g_strv_contains(members, key)) {
      error_set(error, CCH_ERROR_REQUEST_PARAMETER, "unknown member \"%.64s\"", key);
      return FALSE;
    }
  json_t *settings = json_object_get(body, "settings"), *secrets = json_object_get(body, "secrets");
  const json_t *bandwidth = json_object_get(body, "bandwidthBytesPerSecond");
  if ((settings != NULL && !json_is_object(settings)) || (secrets != NULL && !json_is_object(secrets)) ||
      (bandwidth != NULL && (!json_is_integer(bandwidth) || json_integer_value(bandwidth) < 0))) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER,
              "settings and secrets are objects, bandwidthBytesPerSecond a number of bytes");
    return FALSE;
  }
  g_autofree char *kind = g_strdup(destination->kind);
  if (!set_text(body, "name", MAX_NAME_BYTES, &destination->name, error) ||
      !set_text(body, "kind", MAX_NAME_BYTES, &destination->kind, error))
    return FALSE;
  if (destination->secrets != NULL && secrets == NULL && is_elsewhere(destination, settings, kind)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "secrets: enter them again for another address");
    return FALSE;
  }
  if (settings != NULL || destination->settings == NULL) {
    json_decref(destination->settings);
    destination->settings = settings != NULL ? json_incref(settings) : json_object();
  }
  if (bandwidth != NULL)
    destination->bandwidth_bytes_s = (guint64)json_integer_value(bandwidth);
  if (!seal_secrets(destination, secrets, data_dir, error))
    return FALSE;
  g_autoptr(Storage) storage = catalog_open_destination(destination, data_dir, error); /* checks all settings */
  return storage != NULL;
}

static HttpResponse *
keep_destination(HttpRequest *request, const ScheduleHttp *http, PgConnection *connection,
                 CatalogDestination *destination, guint status, const char *type, GError **error)
{
  const char *data_dir = http->config->data_dir;
  json_t *body = http_request_json(request, error);
  if (body == NULL || !apply_body(destination, body, data_dir, error) ||
      !catalog_keep_destination(connection, destination, error))
    return NULL;
  json_t *json = destination_to_json(destination, data_dir);
  schedule_http_audit(request, connection, type, destination->name, json_incref(json));
  return http_response_json(status, json);
}

static HttpResponse *
add_destination(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(PgConnection) connection = schedule_http_connect(request, context, error);
  g_autoptr(CatalogDestination) destination = g_new0(CatalogDestination, 1);
  return connection != NULL
             ? keep_destination(request, context, connection, destination, 201, "backup.destination_create", error)
             : NULL;
}

static CatalogDestination *
find_destination(HttpRequest *request, PgConnection *connection, GError **error)
{
  gint64 id = 0;
  return connection != NULL && schedule_http_id(request, &id, error) ? catalog_find_destination(connection, id, error)
                                                                     : NULL;
}

static HttpResponse *
change_destination(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(PgConnection) connection = schedule_http_connect(request, context, error);
  g_autoptr(CatalogDestination) destination = find_destination(request, connection, error);
  return destination != NULL
             ? keep_destination(request, context, connection, destination, 200, "backup.destination_update", error)
             : NULL;
}

static HttpResponse *
delete_destination(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(PgConnection) connection = schedule_http_connect(request, context, error);
  g_autoptr(CatalogDestination) destination = find_destination(request, connection, error);
  if (destination == NULL || !catalog_delete_destination(connection, destination->id, error))
    return NULL;
  schedule_http_audit(request, connection, "backup.destination_delete", destination->name, NULL);
  return http_response_empty(204);
}

static HttpResponse *
test_destination(HttpRequest *request, gpointer context, GError **error)
{
  const ScheduleHttp *http = context;
  g_autoptr(PgConnection) connection = schedule_http_connect(request, http, error);
  g_autoptr(CatalogDestination) destination = find_destination(request, connection, error);
  if (destination == NULL)
    return NULL;
  g_clear_pointer(&connection, pg_connection_free);
  g_autoptr(GError) problem = NULL;
  StorageTestStep failed_at = STORAGE_TEST_WRITE;
  gint64 start_us = g_get_monotonic_time();
  g_autoptr(Storage) storage = catalog_open_destination(destination, http->config->data_dir, error);
  if (storage == NULL)
    return NULL;
  gboolean is_fine = storage_test(storage, &failed_at, http_request_cancellable(request), &problem);
  if (problem != NULL && error_code(problem) == CCH_ERROR_CANCELLED) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  connection = schedule_http_connect(request, http, NULL);
  if (connection != NULL)
    catalog_note_access(connection, destination->id, problem);
  return http_response_json(
      200, json_pack("{s:b, s:o, s:o, s:o, s:o, s:I}", "ok", is_fine, "failedAt",
                     http_json_text(is_fine ? NULL : storage_test_step_name(failed_at)), "errorCode",
                     http_json_text(is_fine ? NULL : error_info(problem)->code), "error",
                     http_json_text(is_fine ? NULL : error_text(problem, http_request_language(request))), "details",
                     http_json_text(is_fine ? NULL : problem->message), "durationMs",
                     (json_int_t)((g_get_monotonic_time() - start_us) / 1000)));
}

static HttpResponse *
scan_destination(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(PgConnection) connection = schedule_http_connect(request, context, error);
  g_autoptr(CatalogDestination) destination = find_destination(request, connection, error);
  if (destination == NULL)
    return NULL;
  Run run = {.kind = (char *)"scan", .destination_id = destination->id};
  return schedule_http_queue(request, context, connection, &run, error);
}

const HttpRoute schedule_http_destination_routes[] = {
    {.method = "GET", .path = DESTINATIONS, .flags = HTTP_ROUTE_ADMIN, .handler = list_destinations},
    {.method = "POST", .path = DESTINATIONS, .flags = SCHEDULE_CHANGES, .handler = add_destination},
    {.method = "PATCH", .path = DESTINATIONS "/{id}", .flags = SCHEDULE_CHANGES, .handler = change_destination},
    {.method = "DELETE", .path = DESTINATIONS "/{id}", .flags = SCHEDULE_CHANGES, .handler = delete_destination},
    {.method = "POST", .path = DESTINATIONS "/{id}/test", .flags = SCHEDULE_CHANGES, .handler = test_destination},
    {.method = "POST", .path = DESTINATIONS "/{id}/scan", .flags = SCHEDULE_CHANGES, .handler = scan_destination},
    HTTP_ROUTES_END,
};
