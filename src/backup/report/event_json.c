#include "backup/report/event_json.h"

#include <math.h>
#include <stdlib.h>

static void
set(json_t *object, const char *name, json_t *value)
{
  json_object_set_new(object, name, value);
}

/* jansson refuses strings that are not UTF-8, and the whole member would then be missing. Texts of the archive and
 * of an SQL_ASCII database can hold any bytes. */
static json_t *
text_to_json(const char *text)
{
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  return json_string(valid);
}

guint64
backup_table_result_equal(const BackupTableResult *result)
{
  return result->rows_unchanged + result->rows_skipped - result->rows_different - result->rows_taken;
}

static json_t *
tables_to_json(const BackupEvent *event)
{
  json_t *tables = json_array();
  for (guint i = 0; i < event->n_tables; i++) {
    const BackupTableResult *table = &event->tables[i];
    json_t *object = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "table", text_to_json(table->table), "rows",
                               (json_int_t)table->rows_total, "inserted", (json_int_t)table->rows_inserted, "updated",
                               (json_int_t)table->rows_updated, "unchanged", (json_int_t)table->rows_unchanged,
                               "skipped", (json_int_t)table->rows_skipped);
    if (table->is_compared) {
      set(object, "equal", json_integer((json_int_t)backup_table_result_equal(table)));
      set(object, "different", json_integer((json_int_t)table->rows_different));
      set(object, "keyTaken", json_integer((json_int_t)table->rows_taken));
    }
    json_array_append_new(tables, object);
  }
  return tables;
}

json_t *
backup_event_to_json(const BackupEvent *event)
{
  json_t *object = json_object();
  set(object, "type", json_string(backup_event_type_name(event->type)));
  set(object, "message", text_to_json(event->message != NULL ? event->message : ""));
  if (event->type != BACKUP_EVENT_PROGRESS)
    set(object, "exitCode", json_integer(event->exit_code));
  set(object, "phase", json_string(backup_phase_name(event->phase)));
  if (event->table != NULL)
    set(object, "table", text_to_json(event->table));
  set(object, "rows", json_integer((json_int_t)event->rows));
  set(object, "rowsTotal", json_integer((json_int_t)event->rows_total));
  set(object, "bytes", json_integer((json_int_t)event->bytes));
  set(object, "bytesTotal", json_integer((json_int_t)event->bytes_total));
  set(object, "percent", json_real(round(event->percent * 10) / 10));
  if (event->is_warning)
    set(object, "warning", json_true());
  set(object, "warningCount", json_integer(event->warning_count));
  set(object, "errorCount", json_integer(event->error_count));
  if (event->error_code != NULL)
    set(object, "errorCode", json_string(event->error_code));
  if (event->type == BACKUP_EVENT_COMPLETE)
    set(object, "tables", tables_to_json(event));
  return object;
}

char *
backup_event_json_text(const json_t *event)
{
  char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(6));
  char *copy = g_strdup(text);
  free(text);
  return copy;
}
