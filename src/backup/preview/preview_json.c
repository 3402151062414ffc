#include "backup/preview/preview.h"

#include "backup/hub_level/hub_level.h"

static json_t *
text_or_null(const char *text)
{
  g_autofree char *valid = text != NULL ? g_utf8_make_valid(text, -1) : NULL;
  return valid != NULL ? json_string(valid) : json_null();
}

static void
set_number(json_t *object, const char *name, guint64 number)
{
  json_object_set_new(object, name, json_integer((json_int_t)number));
}

static json_t *
seconds_or_null(guint seconds)
{
  return seconds > 0 ? json_integer(seconds) : json_null();
}

static json_t *
result_to_json(const BackupTableResult *result)
{
  json_t *object = json_object();
  set_number(object, "inserted", result->rows_inserted);
  set_number(object, "updated", result->rows_updated);
  set_number(object, "unchanged", result->rows_unchanged);
  set_number(object, "skipped", result->rows_skipped);
  return object;
}

static json_t *
table_to_json(const BackupPreviewTable *table)
{
  json_t *object = json_object();
  json_object_set_new(object, "table", text_or_null(table->table));
  set_number(object, "archiveRows", table->archive_rows);
  set_number(object, "liveRows", table->live_rows);
  json_object_set_new(object, "new", json_boolean(table->is_new));
  json_object_set_new(object, "compared", json_boolean(table->is_compared));
  json_object_set_new(object, "problem", text_or_null(table->problem));
  json_object_set_new(object, "lockSeconds", seconds_or_null(table->lock_s));
  if (!table->is_compared)
    return object;
  set_number(object, "added", table->added);
  set_number(object, "identical", table->identical);
  set_number(object, "different", table->different);
  set_number(object, "onlyLive", table->only_live);
  set_number(object, "conflicting", table->conflicting);
  json_object_set_new(object, "expected", result_to_json(&table->expected));
  json_t *examples = json_array();
  for (guint i = 0; i < table->examples->len; i++) {
    const BackupPreviewExample *example = table->examples->pdata[i];
    g_autofree char *values = g_utf8_make_valid(example->values != NULL ? example->values : "[]", -1);
    json_t *parsed = json_loads(values, 0, NULL);
    json_array_append_new(examples,
                          json_pack("{s:o, s:o, s:o}", "key", text_or_null(example->key), "columns",
                                    text_or_null(example->columns), "values", parsed != NULL ? parsed : json_array()));
  }
  json_object_set_new(object, "examples", examples);
  return object;
}

static json_t *
archive_to_json(const BackupPreview *preview)
{
  json_t *object = json_object();
  json_object_set_new(object, "formatVersion", text_or_null(preview->format_version));
  json_object_set_new(object, "compression", text_or_null(preview->compression));
  json_object_set_new(object, "created", text_or_null(preview->created));
  json_object_set_new(object, "database", text_or_null(preview->database));
  json_object_set_new(object, "serverVersion", text_or_null(preview->server_version));
  json_object_set_new(object, "pgDumpVersion", text_or_null(preview->pg_dump_version));
  set_number(object, "tables", preview->n_tables);
  set_number(object, "rows", preview->rows);
  set_number(object, "bytes", preview->bytes);
  json_object_set_new(object, "hasLogs", json_boolean(preview->has_logs));
  json_object_set_new(object, "hubLevel", hub_level_to_json(preview->archive_hub_level));
  return object;
}

json_t *
backup_preview_to_json(const BackupPreview *preview)
{
  json_t *object = json_object();
  json_object_set_new(object, "mode", json_string(preview->mode));
  json_object_set_new(object, "onConflict", json_string(backup_on_conflict_name(preview->on_conflict)));
  json_object_set_new(object, "skipLogs", json_boolean(preview->skip_logs));
  json_object_set_new(object, "archive", archive_to_json(preview));
  json_t *live = json_object();
  json_object_set_new(live, "database", text_or_null(preview->live_database));
  json_object_set_new(live, "serverVersion", text_or_null(preview->live_server_version));
  json_object_set_new(live, "role", text_or_null(preview->live_role));
  json_object_set_new(live, "superuser", json_boolean(preview->is_superuser));
  set_number(live, "bytes", preview->live_bytes);
  json_object_set_new(live, "hubLevel", hub_level_to_json(preview->live_hub_level));
  json_object_set_new(object, "live", live);
  json_t *tables = json_array();
  for (guint i = 0; i < preview->tables->len; i++)
    json_array_append_new(tables, table_to_json(preview->tables->pdata[i]));
  json_object_set_new(object, "tables", tables);
  json_object_set_new(object, "lockSeconds", seconds_or_null(preview->lock_s));
  json_object_set_new(object, "trust", text_or_null(preview->trust));
  json_t *warnings = json_array();
  for (guint i = 0; i < preview->warnings->len; i++)
    json_array_append_new(warnings, text_or_null(preview->warnings->pdata[i]));
  json_object_set_new(object, "warnings", warnings);
  return object;
}
