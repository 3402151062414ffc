/* POST …/import:inspect: describes an archive by its first megabytes, before the rest is uploaded. Takes no lock and
 * changes nothing. */
#include "archive/detect/prefix.h"
#include "archive/detect/unwrap.h"
#include "backup/http/endpoints.h"
#include "backup/hub_level/hub_level.h"
#include "backup/plan/entry_sql.h"
#include "backup/plan/plan.h"
#include "backup/preview/server_warnings.h"
#include "backup_sql.h"
#include "base/error.h"
#include "upload/temp_file.h"

#include <string.h>
#include <unistd.h>

#define BODY_TYPE "application/octet-stream"

enum {
  MAX_PREFIX_BYTES = 16 * 1024 * 1024,
  MAX_UNPACKED_BYTES = 64 * 1024 * 1024,
  FIRST_GUESS_BYTES = 1024 * 1024, /* used if the table of contents does not show its length yet */
  GUESS_MARGIN_BYTES = 64 * 1024,
  MAX_NAMES = 10
};

typedef struct {
  HttpRequest *request; /* outlives the inspection */
  const BackupHttp *http;
  guint64 archive_bytes; /* from the client; G_MAXUINT64: unknown */
  TempFile *file;
  gsize received_bytes;
  TempFile *unpacked; /* the beginning of the archive, if what was sent is wrapped; else NULL */
  guint64 unpacked_bytes;
} Inspection;

static void
inspection_free(gpointer data)
{
  Inspection *inspection = data;
  temp_file_free(inspection->file);
  temp_file_free(inspection->unpacked);
  g_free(inspection);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Inspection, inspection_free)

static gboolean
refuse_prefix_size(GError **error)
{
  error_set(error, CCH_ERROR_REQUEST_TOO_LARGE, "send the first %d bytes of the archive at most", MAX_PREFIX_BYTES);
  return FALSE;
}

static gboolean
read_archive_size(HttpRequest *request, guint64 *ret_size, GError **error)
{
  const char *text = http_request_query(request, "fileSize");
  *ret_size = G_MAXUINT64;
  if (text == NULL || g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, ret_size, NULL))
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "fileSize must be the archive's size in bytes, not \"%.64s\"", text);
  return FALSE;
}

static gboolean
check_media_type(HttpRequest *request, GError **error)
{
  const char *type = http_request_header(request, "Content-Type");
  gsize length = type != NULL ? strcspn(type, "; ") : 0;
  if (length == strlen(BODY_TYPE) && g_ascii_strncasecmp(type, BODY_TYPE, length) == 0)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_MEDIA_TYPE, "the body must be " BODY_TYPE);
  return FALSE;
}

static gpointer
inspect_begin(HttpRequest *request, gpointer context, GError **error)
{
  g_autoptr(Inspection) inspection = g_new0(Inspection, 1);
  inspection->request = request;
  inspection->http = context;
  if (!check_media_type(request, error) || !read_archive_size(request, &inspection->archive_bytes, error))
    return NULL;
  if (http_request_content_length(request) > MAX_PREFIX_BYTES) {
    refuse_prefix_size(error);
    return NULL;
  }
  inspection->file = temp_file_create(inspection->http->config->temp_dir, "inspect", error);
  return inspection->file != NULL ? g_steal_pointer(&inspection) : NULL;
}

static gboolean
inspect_write(gpointer upload, const guint8 *data, gsize size, GError **error)
{
  Inspection *inspection = upload;
  if (size > MAX_PREFIX_BYTES - inspection->received_bytes)
    return refuse_prefix_size(error);
  inspection->received_bytes += size;
  return temp_file_write(inspection->file, data, size, error);
}

/* How many bytes to send instead; 0 if the table of contents does not end within the limit. */
static gsize
guess_bytes_needed(const Inspection *inspection, const ArchivePrefix *prefix)
{
  guint64 limit = MIN(inspection->archive_bytes, MAX_PREFIX_BYTES), sent = inspection->received_bytes;
  guint64 guess = FIRST_GUESS_BYTES;
  if (prefix->entries->len > 0)
    guess = (guint64)((double)sent / prefix->entries->len * prefix->n_entries * 1.25);
  guess = MAX(guess, sent + GUESS_MARGIN_BYTES);
  return sent < limit ? (gsize)MIN(guess, limit) : 0;
}

static void
set_member(json_t *object, const char *name, json_t *value)
{
  json_object_set_new(object, name, value);
}

static void
describe_header(json_t *answer, const ArchivePrefix *prefix)
{
  const ArchiveHeader *header = &prefix->header;
  g_autofree char *version = g_strdup_printf("1.%u", header->version_minor);
  set_member(answer, "formatVersion", http_json_text(prefix->has_header ? version : NULL));
  set_member(answer, "compression",
             http_json_text(prefix->has_header ? archive_compression_name(header->compression) : NULL));
  set_member(answer, "created", http_json_text(header->created));
  set_member(answer, "database", http_json_text(header->database));
  set_member(answer, "serverVersion", http_json_text(header->server_version));
  set_member(answer, "pgDumpVersion", http_json_text(header->pg_dump_version));
}

static gboolean
is_of_log(const TocEntry *entry)
{
  return g_strcmp0(entry->tag, LOG_TABLE) == 0 && g_strcmp0(entry->namespace_name, "public") == 0;
}

static char *
table_key(const TocEntry *entry)
{
  return g_strdup_printf("%s\n%s", entry->namespace_name != NULL ? entry->namespace_name : "", entry->tag);
}

/* The tables with data; a table without data has a TABLE entry only. */
static GHashTable *
collect_data(const ArchivePrefix *prefix)
{
  GHashTable *data = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < prefix->entries->len; i++) {
    const TocEntry *entry = &g_array_index(prefix->entries, TocEntry, i);
    if (toc_entry_is(entry, TOC_KIND_TABLE_DATA))
      g_hash_table_add(data, table_key(entry));
  }
  return data;
}

static void
describe_tables(json_t *answer, const ArchivePrefix *prefix)
{
  g_autoptr(GHashTable) data = collect_data(prefix);
  json_t *tables = json_array();
  gboolean has_logs = FALSE, has_large_objects = FALSE;
  for (guint i = 0; i < prefix->entries->len; i++) {
    const TocEntry *entry = &g_array_index(prefix->entries, TocEntry, i);
    has_logs |= toc_entry_is(entry, TOC_KIND_TABLE_DATA) && is_of_log(entry);
    has_large_objects |= toc_entry_is(entry, TOC_KIND_BLOBS);
    if (!toc_entry_is(entry, TOC_KIND_TABLE))
      continue;
    g_autofree char *key = table_key(entry);
    json_array_append_new(tables, json_pack("{s:o, s:o, s:b}", "schema", http_json_text(entry->namespace_name), "name",
                                            http_json_text(entry->tag), "hasData", g_hash_table_contains(data, key)));
  }
  set_member(answer, "entries",
             prefix->n_entries > 0 || prefix->is_complete ? json_integer(prefix->n_entries) : json_null());
  set_member(answer, "tables", tables);
  /* Nothing is known about the part that was not sent. */
  set_member(answer, "hasLogs", prefix->is_complete || has_logs ? json_boolean(has_logs) : json_null());
  set_member(answer, "hasLargeObjects",
             prefix->is_complete || has_large_objects ? json_boolean(has_large_objects) : json_null());
}

/* ---- Comparison with the live database ---- */

/* "public.users" for all tables, and their schemas. */
static void
collect_table_names(const ArchivePrefix *prefix, GStrv *ret_names, GStrv *ret_schemas)
{
  g_autoptr(GStrvBuilder) names = g_strv_builder_new(), schemas = g_strv_builder_new();
  for (guint i = 0; i < prefix->entries->len; i++) {
    const TocEntry *entry = &g_array_index(prefix->entries, TocEntry, i);
    if (!toc_entry_is(entry, TOC_KIND_TABLE) || entry->namespace_name == NULL || entry->tag == NULL ||
        strcmp(entry->namespace_name, OWN_SCHEMA) == 0)
      continue;
    g_autofree char *name = g_strdup_printf("%s.%s", entry->namespace_name, entry->tag);
    g_strv_builder_add(names, name);
    g_strv_builder_add(schemas, entry->namespace_name);
  }
  *ret_names = g_strv_builder_end(names);
  *ret_schemas = g_strv_builder_end(schemas);
}

/* An older or newer hub has other tables. */
static gboolean
warn_of_tables(ServerWarnings *warnings, const ArchivePrefix *prefix, GError **error)
{
  g_auto(GStrv) names = NULL, schemas = NULL;
  collect_table_names(prefix, &names, &schemas);
  g_autofree char *name_array = pg_array((const char *const *)names);
  g_autofree char *schema_array = pg_array((const char *const *)schemas);
  g_autoptr(PgResult) unnamed =
      pg_connection_query(warnings->connection, error, backup_overwrite_unnamed_sql, 2, schema_array, name_array);
  g_autoptr(PgResult) absent =
      unnamed != NULL ? pg_connection_query(warnings->connection, error, backup_absent_tables_sql, 1, name_array)
                      : NULL;
  if (absent == NULL)
    return FALSE;
  if (pg_result_int64(absent, 0, 1) > 0)
    server_warn(warnings, TEXT_PREVIEW_NEW_TABLES, (guint)pg_result_int64(absent, 0, 1), pg_result_text(absent, 0, 0));
  if (pg_result_int64(unnamed, 0, 1) > 0)
    server_warn(warnings, TEXT_PREVIEW_OLDER, (guint)pg_result_int64(unnamed, 0, 1), pg_result_text(unnamed, 0, 0));
  return TRUE;
}

static gboolean
warn_of_archive(ServerWarnings *warnings, const ArchivePrefix *prefix, GError **error)
{
  g_autoptr(GPtrArray) entries = g_ptr_array_new();
  for (guint i = 0; i < prefix->entries->len; i++)
    g_ptr_array_add(entries, &g_array_index(prefix->entries, TocEntry, i));
  server_warn_of_version(warnings, prefix->header.server_version);
  for (guint i = 0; i < entries->len; i++) {
    g_autofree char *encoding = entry_encoding(entries->pdata[i]);
    if (encoding != NULL && !pg_connection_execf(warnings->connection, error, "SET client_encoding = '%s'", encoding))
      return FALSE;
  }
  return server_warn_of_names(warnings, entries, TRUE, error) &&
         (!prefix->is_complete || warn_of_tables(warnings, prefix, error));
}

static json_t *
describe_live(PgConnection *connection)
{
  g_autofree char *database = NULL;
  if (connection == NULL ||
      !pg_connection_value(connection, &database, NULL, "SELECT pg_catalog.current_database()", 0))
    return json_null();
  return json_pack("{s:o, s:o}", "database", http_json_text(database), "serverVersion",
                   http_json_text(pg_connection_parameter(connection, "server_version")));
}

/* An unreachable database is not an error: `live` is null, and nothing is compared. */
static void
compare_with_live(json_t *answer, const Inspection *inspection, const ArchivePrefix *prefix)
{
  g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(PgConnection) connection =
      pg_pool_take(inspection->http->pool, "cch-data inspect", http_request_cancellable(inspection->request), NULL);
  ServerWarnings warnings = {connection, http_request_language(inspection->request), texts};
  gboolean is_compared = connection != NULL && prefix->has_header && warn_of_archive(&warnings, prefix, NULL);
  set_member(answer, "live", is_compared ? describe_live(connection) : json_null());
  json_t *array = json_array();
  for (guint i = 0; is_compared && i < texts->len; i++)
    json_array_append_new(array, http_json_text(texts->pdata[i]));
  set_member(answer, "warnings", array);
}

static gboolean
keep_unpacked(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  Inspection *inspection = user_data;
  if (inspection->unpacked_bytes + size > MAX_UNPACKED_BYTES) {
    error_set_cancelled(error); /* it suffices */
    return FALSE;
  }
  inspection->unpacked_bytes += size;
  return temp_file_write(inspection->unpacked, data, size, error);
}

/* Unpacks what was sent if it is wrapped. */
static gboolean
unpack_beginning(Inspection *inspection, GError **error)
{
  guint8 head[4];
  g_autoptr(GError) failure = NULL;
  int fd = temp_file_fd(inspection->file);
  gssize n = pread(fd, head, sizeof head, 0);
  if (n < (gssize)sizeof head || !unwrap_is_plausible(head, sizeof head))
    return TRUE;
  inspection->unpacked = temp_file_create(inspection->http->config->temp_dir, "inspect", error);
  if (inspection->unpacked == NULL)
    return FALSE;
  if (unwrap_file(fd, UNWRAP_BEGINNING, G_MAXUINT64, keep_unpacked, inspection,
                  http_request_cancellable(inspection->request), &failure) ||
      (error_code(failure) == CCH_ERROR_CANCELLED && inspection->unpacked_bytes > 0))
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&failure));
  return FALSE;
}

static HttpResponse *
inspect_end(gpointer upload, GError **error)
{
  Inspection *inspection = upload;
  if (inspection->received_bytes > inspection->archive_bytes) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "fileSize is less than what was sent");
    return NULL;
  }
  g_auto(ArchivePrefix) prefix = {0};
  if (inspection->received_bytes == 0) {
    error_set(error, CCH_ERROR_IMPORT_FILE_MISSING, "the body is empty");
    return NULL;
  }
  if (!unpack_beginning(inspection, error))
    return NULL;
  gboolean is_wrapped = inspection->unpacked != NULL;
  int fd = temp_file_fd(is_wrapped ? inspection->unpacked : inspection->file);
  guint64 size = is_wrapped ? G_MAXUINT64 : inspection->archive_bytes;
  if (!archive_prefix_read(fd, size, &prefix, error))
    return NULL;
  gsize needed = prefix.is_complete ? 0 : guess_bytes_needed(inspection, &prefix);
  json_t *answer = json_pack("{s:b}", "complete", prefix.is_complete);
  set_member(answer, "needsMoreBytes", needed > 0 ? json_integer((json_int_t)needed) : json_null());
  describe_header(answer, &prefix);
  describe_tables(answer, &prefix);
  set_member(answer, "hubLevel",
             hub_level_to_json(prefix.is_complete
                                   ? hub_level_of_beginning(fd, size, http_request_cancellable(inspection->request))
                                   : 0));
  compare_with_live(answer, inspection, &prefix);
  return http_response_json(200, answer);
}

static const HttpUpload inspect_functions = {inspect_begin, inspect_write, inspect_end, inspection_free};
static const char *const inspect_query[] = {"fileSize", NULL};

const HttpRoute backup_http_inspect_routes[] = {
    {
        .method = "POST",
        .path = "/api/admin/database/import:inspect",
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES,
        .upload = &inspect_functions,
        .query = inspect_query,
    },
    HTTP_ROUTES_END,
};
