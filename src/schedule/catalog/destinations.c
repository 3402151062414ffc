#include "schedule/catalog/catalog.h"

#include "base/error.h"
#include "schedule/catalog/rows.h"

#define DESTINATION_SELECT                                                                                             \
  "SELECT id, name, kind, settings, pg_catalog.encode(secrets, 'base64'), bandwidth_bytes_s, " UTC_TEXT(               \
      "last_ok_at") ", " UTC_TEXT("last_error_at") ", last_error FROM cch_data.backup_destinations "

#define DEFAULT_DIRECTORY "backups" /* in the data directory */

void
catalog_destination_free(CatalogDestination *destination)
{
  if (destination == NULL)
    return;
  g_free(destination->name);
  g_free(destination->kind);
  json_decref(destination->settings);
  g_clear_pointer(&destination->secrets, g_bytes_unref);
  g_free(destination->last_ok_at);
  g_free(destination->last_error_at);
  g_free(destination->last_error);
  g_free(destination);
}

static CatalogDestination *
read_destination(const PgResult *rows, guint row)
{
  CatalogDestination *destination = g_new0(CatalogDestination, 1);
  destination->id = pg_result_int64(rows, row, 0);
  destination->name = g_strdup(pg_result_text(rows, row, 1));
  destination->kind = g_strdup(pg_result_text(rows, row, 2));
  destination->settings = json_loads(pg_result_text(rows, row, 3), 0, NULL);
  const char *sealed = pg_result_text(rows, row, 4);
  if (sealed != NULL) {
    gsize size = 0;
    guchar *bytes = g_base64_decode(sealed, &size);
    destination->secrets = g_bytes_new_take(bytes, size);
  }
  destination->bandwidth_bytes_s = (guint64)MAX(pg_result_int64(rows, row, 5), 0);
  destination->last_ok_at = g_strdup(pg_result_text(rows, row, 6));
  destination->last_error_at = g_strdup(pg_result_text(rows, row, 7));
  destination->last_error = g_strdup(pg_result_text(rows, row, 8));
  return destination;
}

GPtrArray *
catalog_destinations(PgConnection *connection, GError **error)
{
  g_autoptr(PgResult) rows = pg_connection_query(connection, error, DESTINATION_SELECT "ORDER BY name", 0);
  if (rows == NULL)
    return NULL;
  GPtrArray *destinations = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_destination_free);
  for (guint row = 0; row < pg_result_rows(rows); row++)
    g_ptr_array_add(destinations, read_destination(rows, row));
  return destinations;
}

static CatalogDestination *
find_destination(PgConnection *connection, const char *where, const char *value, GError **error)
{
  g_autofree char *sql = g_strconcat(DESTINATION_SELECT, where, NULL);
  g_autoptr(PgResult) rows = pg_connection_query(connection, error, sql, 1, value);
  if (rows != NULL && pg_result_rows(rows) > 0)
    return read_destination(rows, 0);
  if (rows != NULL)
    error_set(error, CCH_ERROR_NOT_FOUND, "there is no destination %.64s", value);
  return NULL;
}

CatalogDestination *
catalog_find_destination(PgConnection *connection, gint64 id, GError **error)
{
  return find_destination(connection, "WHERE id = $1", number_text(id).text, error);
}

CatalogDestination *
catalog_find_destination_named(PgConnection *connection, const char *name, GError **error)
{
  return find_destination(connection, "WHERE name = $1", name, error);
}

gboolean
catalog_keep_destination(PgConnection *connection, CatalogDestination *destination, GError **error)
{
  g_autofree char *settings = json_to_text(destination->settings);
  gsize size = 0;
  const guchar *bytes = destination->secrets != NULL ? g_bytes_get_data(destination->secrets, &size) : NULL;
  g_autofree char *sealed = bytes != NULL ? g_base64_encode(bytes, size) : NULL;
  const char *sql = destination->id == 0
                        ? "INSERT INTO cch_data.backup_destinations (name, kind, settings, secrets, bandwidth_bytes_s)"
                          " SELECT $2, $3, $4::jsonb, pg_catalog.decode($5, 'base64'), $6::bigint WHERE $1 = '0'"
                          " RETURNING id"
                        : "UPDATE cch_data.backup_destinations SET name = $2, kind = $3, settings = $4::jsonb,"
                          " secrets = pg_catalog.decode($5, 'base64'), bandwidth_bytes_s = $6::bigint"
                          " WHERE id = $1::bigint RETURNING id";
  GError *failure = NULL;
  g_autoptr(PgResult) result = pg_connection_query(connection, &failure, sql, 6, number_text(destination->id).text,
                                                   destination->name, destination->kind, settings, sealed,
                                                   number_text((gint64)destination->bandwidth_bytes_s).text);
  if (result == NULL) {
    explain_taken(destination->name, failure, error);
    return FALSE;
  }
  if (!found_row(result, "destination", error))
    return FALSE;
  destination->id = pg_result_int64(result, 0, 0);
  return TRUE;
}

gboolean
catalog_delete_destination(PgConnection *connection, gint64 id, GError **error)
{
  g_autofree char *job = NULL;
  NumberText number = number_text(id);
  if (!pg_connection_value(connection, &job, error,
                           "SELECT name FROM cch_data.backup_jobs WHERE settings->'destinations' @> $1::jsonb LIMIT 1",
                           1, number.text))
    return FALSE;
  if (job != NULL) {
    error_set(error, CCH_ERROR_BACKUP_DESTINATION_USED, "job %s", job);
    return FALSE;
  }
  g_autoptr(PgResult) result =
      pg_connection_query(connection, error,
                          "WITH gone AS (DELETE FROM cch_data.backups WHERE destination_id = $1)"
                          " DELETE FROM cch_data.backup_destinations WHERE id = $1",
                          1, number.text);
  return found_row(result, "destination", error);
}

static json_t *
open_secrets(const CatalogDestination *destination, const char *data_dir, GError **error)
{
  g_autoptr(SealKey) key = seal_key_load(data_dir, FALSE, error);
  g_autofree char *text = key != NULL ? seal_open(key, destination->secrets, error) : NULL;
  return text != NULL ? json_loads(text, 0, NULL) : NULL;
}

Storage *
catalog_open_destination(const CatalogDestination *destination, const char *data_dir, GError **error)
{
  g_autoptr(json_t) secrets = destination->secrets != NULL ? open_secrets(destination, data_dir, error) : NULL;
  if (destination->secrets != NULL && secrets == NULL) {
    g_prefix_error(error, "destination %s: ", destination->name);
    return NULL;
  }
  g_autofree char *directory = g_build_filename(data_dir, DEFAULT_DIRECTORY, NULL);
  const StorageOptions options = {.kind = destination->kind,
                                  .settings = destination->settings,
                                  .secrets = secrets,
                                  .default_directory = directory,
                                  .bandwidth_bytes_s = destination->bandwidth_bytes_s};
  Storage *storage = storage_open(&options, error);
  if (storage == NULL)
    g_prefix_error(error, "destination %s: ", destination->name);
  return storage;
}

void
catalog_note_access(PgConnection *connection, gint64 id, const GError *problem)
{
  const char *sql = problem == NULL ? "UPDATE cch_data.backup_destinations SET last_ok_at = now(), last_error = NULL"
                                      " WHERE id = $1 AND $2::text IS NULL"
                                    : "UPDATE cch_data.backup_destinations SET last_error_at = now(), last_error = $2"
                                      " WHERE id = $1";
  g_autofree char *message = problem != NULL ? g_utf8_make_valid(problem->message, -1) : NULL;
  g_autoptr(PgResult) result = pg_connection_query(connection, NULL, sql, 2, number_text(id).text, message);
}
