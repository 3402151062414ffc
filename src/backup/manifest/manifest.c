#include "backup/manifest/manifest.h"

#include "base/error.h"
#include "base/json.h"
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef json_t Json;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Json, json_decref)

/* Unambiguous, because a name's length comes before it. */
static char *
key_of(const char *schema, const char *name)
{
  return schema == NULL ? g_strconcat("-\n", name, NULL)
                        : g_strdup_printf("%" G_GSIZE_FORMAT "\n%s\n%s", strlen(schema), schema, name);
}

static void
table_clear(ManifestTable *table)
{
  g_free(table->schema);
  g_free(table->name);
}

Manifest *
manifest_new(void)
{
  Manifest *manifest = g_new0(Manifest, 1);
  manifest->tables = g_array_new(FALSE, TRUE, sizeof(ManifestTable));
  g_array_set_clear_func(manifest->tables, (GDestroyNotify)table_clear);
  manifest->index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return manifest;
}

void
manifest_free(Manifest *manifest)
{
  if (manifest == NULL)
    return;
  g_free(manifest->archive);
  g_free(manifest->archive_sha256);
  g_free(manifest->file);
  g_free(manifest->file_sha256);
  g_free(manifest->encryption);
  g_free(manifest->snapshot_time);
  g_free(manifest->server_version);
  g_free(manifest->pg_dump_version);
  g_free(manifest->product_version);
  g_free(manifest->database);
  g_free(manifest->time_zone);
  g_free(manifest->compression);
  g_free(manifest->hub_last_migration);
  g_free(manifest->hub_version);
  g_strfreev(manifest->excluded_tables);
  g_array_unref(manifest->tables);
  g_hash_table_unref(manifest->index);
  g_free(manifest);
}

void
manifest_add_table(Manifest *manifest, const char *schema, const char *name, const RowTotals *totals)
{
  ManifestTable table = {.schema = g_strdup(schema), .name = g_strdup(name), .totals = *totals};
  g_array_append_val(manifest->tables, table);
  g_hash_table_insert(manifest->index, key_of(schema, name), GUINT_TO_POINTER(manifest->tables->len));
}

const ManifestTable *
manifest_find(const Manifest *manifest, const char *schema, const char *name)
{
  g_autofree char *key = key_of(schema, name);
  guint position = GPOINTER_TO_UINT(g_hash_table_lookup(manifest->index, key));
  return position > 0 ? &g_array_index(manifest->tables, ManifestTable, position - 1) : NULL;
}

RowTotals
manifest_totals(const Manifest *manifest)
{
  RowTotals totals = {0};
  for (guint i = 0; i < manifest->tables->len; i++)
    row_totals_add(&totals, &g_array_index(manifest->tables, ManifestTable, i).totals);
  return totals;
}

/* The string members, in the order in which they are written. */
static const struct {
  const char *name;
  gsize offset;
  gboolean is_optional; /* not written without a value */
} strings[] = {
    {"archive", offsetof(Manifest, archive)},
    {"sha256", offsetof(Manifest, archive_sha256)},
    {"file", offsetof(Manifest, file), TRUE},
    {"fileSha256", offsetof(Manifest, file_sha256), TRUE},
    {"encryption", offsetof(Manifest, encryption), TRUE},
    {"snapshotTime", offsetof(Manifest, snapshot_time)},
    {"serverVersion", offsetof(Manifest, server_version)},
    {"pgDumpVersion", offsetof(Manifest, pg_dump_version)},
    {"productVersion", offsetof(Manifest, product_version)},
    {"database", offsetof(Manifest, database)},
    {"timeZone", offsetof(Manifest, time_zone)},
    {"compression", offsetof(Manifest, compression)},
    {"hubLastMigration", offsetof(Manifest, hub_last_migration)},
    {"hubVersion", offsetof(Manifest, hub_version)},
};

static char **
member_of(const Manifest *manifest, gsize offset)
{
  return (char **)(gpointer)((guint8 *)manifest + offset);
}

static Json *
text_or_null(const char *text)
{
  g_autofree char *valid = text != NULL ? g_utf8_make_valid(text, -1) : NULL;
  return valid != NULL ? json_string(valid) : json_null();
}

static Json *
table_to_json(const ManifestTable *table)
{
  char hash[ROW_HASH_TEXT_BYTES];
  row_totals_hash_text(&table->totals, hash);
  return json_pack("{s:o, s:o, s:I, s:I, s:s}", "schema", text_or_null(table->schema), "name",
                   text_or_null(table->name), "rows", (json_int_t)table->totals.rows, "bytes",
                   (json_int_t)table->totals.bytes, "rowHash", hash);
}

char *
manifest_to_json(const Manifest *manifest)
{
  g_autoptr(Json) object = json_pack("{s:s, s:i}", "format", MANIFEST_FORMAT, "version", MANIFEST_VERSION);
  for (gsize i = 0; i < G_N_ELEMENTS(strings); i++) {
    const char *text = *member_of(manifest, strings[i].offset);
    if (text != NULL || !strings[i].is_optional)
      json_object_set_new(object, strings[i].name, text_or_null(text));
  }
  if (manifest->file_bytes > 0)
    json_object_set_new(object, "fileBytes", json_integer((json_int_t)manifest->file_bytes));
  json_object_set_new(object, "bytes", json_integer((json_int_t)manifest->archive_bytes));
  if (manifest->pg_restore_major > 0)
    json_object_set_new(object, "pgRestoreMajor", json_integer(manifest->pg_restore_major));
  if (manifest->hub_migrations > 0)
    json_object_set_new(object, "hubMigrations", json_integer(manifest->hub_migrations));
  json_object_set_new(object, "excludeLogs", json_boolean(manifest->excludes_logs));
  json_object_set_new(object, "ledgerOnly", json_boolean(manifest->ledger_only));
  Json *excluded = json_array();
  for (char **name = manifest->excluded_tables; name != NULL && *name != NULL; name++)
    json_array_append_new(excluded, text_or_null(*name));
  json_object_set_new(object, "excludedTables", excluded);
  Json *tables = json_array();
  for (guint i = 0; i < manifest->tables->len; i++)
    json_array_append_new(tables, table_to_json(&g_array_index(manifest->tables, ManifestTable, i)));
  json_object_set_new(object, "tables", tables);
  return json_to_text(object);
}

static gboolean
read_count(Json *object, const char *name, guint64 *ret_count, GError **error)
{
  Json *value = json_object_get(object, name);
  if (!json_is_integer(value) || json_integer_value(value) < 0) {
    error_set(error, CCH_ERROR_MANIFEST, "\"%s\" is missing or not a count", name);
    return FALSE;
  }
  *ret_count = (guint64)json_integer_value(value);
  return TRUE;
}

static gboolean
read_string(Json *object, const char *name, char **ret_string, GError **error)
{
  Json *value = json_object_get(object, name);
  if (value != NULL && !json_is_string(value) && !json_is_null(value)) {
    error_set(error, CCH_ERROR_MANIFEST, "\"%s\" is not a string", name);
    return FALSE;
  }
  *ret_string = g_strdup(json_string_value(value));
  return TRUE;
}

/* A manifest without the list is older than the list. */
static char **
read_excluded(Json *object)
{
  Json *list = json_object_get(object, "excludedTables");
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();
  for (gsize i = 0; i < json_array_size(list); i++) {
    const char *name = json_string_value(json_array_get(list, i));
    if (name != NULL)
      g_strv_builder_add(names, name);
  }
  return g_strv_builder_end(names);
}

static gboolean
read_table(Manifest *manifest, Json *object, GError **error)
{
  g_autofree char *schema = NULL, *name = NULL, *hash = NULL;
  RowTotals totals = {0};
  if (!read_string(object, "schema", &schema, error) || !read_string(object, "name", &name, error) ||
      !read_count(object, "rows", &totals.rows, error) || !read_count(object, "bytes", &totals.bytes, error) ||
      !read_string(object, "rowHash", &hash, error))
    return FALSE;
  if (name == NULL || hash == NULL || !row_totals_set_hash(&totals, hash)) {
    error_set(error, CCH_ERROR_MANIFEST, "a table without a name or with a wrong \"rowHash\"");
    return FALSE;
  }
  if (manifest_find(manifest, schema, name) != NULL) {
    error_set(error, CCH_ERROR_MANIFEST, "a table is named twice");
    return FALSE;
  }
  manifest_add_table(manifest, schema, name, &totals);
  return TRUE;
}

static gboolean
read_tables(Manifest *manifest, Json *tables, GError **error)
{
  if (!json_is_array(tables)) {
    error_set(error, CCH_ERROR_MANIFEST, "\"tables\" is missing");
    return FALSE;
  }
  for (gsize i = 0; i < json_array_size(tables); i++) {
    if (!read_table(manifest, json_array_get(tables, i), error)) {
      g_prefix_error(error, "table %" G_GSIZE_FORMAT ": ", i + 1);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check_format(Json *object, GError **error)
{
  const char *format = json_string_value(json_object_get(object, "format"));
  json_int_t version = json_integer_value(json_object_get(object, "version"));
  if (g_strcmp0(format, MANIFEST_FORMAT) != 0) {
    error_set(error, CCH_ERROR_MANIFEST, "\"format\" is not \"" MANIFEST_FORMAT "\"");
    return FALSE;
  }
  if (version != MANIFEST_VERSION) {
    error_set(error, CCH_ERROR_MANIFEST, "version %" JSON_INTEGER_FORMAT "; version %d is supported", version,
              MANIFEST_VERSION);
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_sha256(const char *name, const char *sha256, GError **error)
{
  if (sha256 == NULL ||
      (strlen(sha256) == SHA256_TEXT_BYTES - 1 && strspn(sha256, "0123456789abcdef") == SHA256_TEXT_BYTES - 1))
    return TRUE;
  error_set(error, CCH_ERROR_MANIFEST, "\"%s\" is not 64 lower-case hexadecimal digits", name);
  return FALSE;
}

Manifest *
manifest_from_json(const char *json, gsize size, GError **error)
{
  json_error_t where;
  g_autoptr(Json) object = json_loadb(json, size, JSON_REJECT_DUPLICATES, &where);
  if (object == NULL) {
    error_set(error, CCH_ERROR_MANIFEST, "not JSON: %s (line %d)", where.text, where.line);
    return NULL;
  }
  g_autoptr(Manifest) manifest = manifest_new();
  if (!check_format(object, error) || !read_count(object, "bytes", &manifest->archive_bytes, error))
    return NULL;
  for (gsize i = 0; i < G_N_ELEMENTS(strings); i++) {
    if (!read_string(object, strings[i].name, member_of(manifest, strings[i].offset), error))
      return NULL;
  }
  if (!check_sha256("sha256", manifest->archive_sha256, error) ||
      !check_sha256("fileSha256", manifest->file_sha256, error))
    return NULL;
  manifest->file_bytes = (guint64)MAX(json_integer_value(json_object_get(object, "fileBytes")), 0);
  manifest->excludes_logs = json_is_true(json_object_get(object, "excludeLogs"));
  manifest->ledger_only = json_is_true(json_object_get(object, "ledgerOnly"));
  manifest->excluded_tables = read_excluded(object);
  manifest->hub_migrations = MAX(json_integer_value(json_object_get(object, "hubMigrations")), 0);
  manifest->pg_restore_major = (int)CLAMP(json_integer_value(json_object_get(object, "pgRestoreMajor")), 0, 9999);
  if (!read_tables(manifest, json_object_get(object, "tables"), error))
    return NULL;
  return g_steal_pointer(&manifest);
}

static char *
read_file(int fd, gsize *ret_size, GError **error)
{
  struct stat status;
  if (fstat(fd, &status) != 0) {
    error_set_errno(error, errno, "stat");
    return NULL;
  }
  if (!S_ISREG(status.st_mode) || status.st_size > MANIFEST_MAX_BYTES) {
    error_set(error, CCH_ERROR_MANIFEST, "not a file, or too large for a manifest");
    return NULL;
  }
  gsize size = (gsize)status.st_size, filled = 0;
  g_autofree char *bytes = g_malloc(size + 1);
  while (filled < size) {
    ssize_t n = read(fd, bytes + filled, size - filled);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      error_set_errno(error, errno, "read");
      return NULL;
    }
    if (n == 0)
      break;
    filled += (gsize)n;
  }
  *ret_size = filled;
  return g_steal_pointer(&bytes);
}

Manifest *
manifest_load(const char *path, GError **error)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe must not hold it up */
  if (fd < 0) {
    error_set_errno(error, errno, "open %s", path);
    return NULL;
  }
  gsize size = 0;
  g_autofree char *json = read_file(fd, &size, error);
  close(fd);
  Manifest *manifest = json != NULL ? manifest_from_json(json, size, error) : NULL;
  if (manifest == NULL)
    g_prefix_error(error, "%s: ", path);
  return manifest;
}
