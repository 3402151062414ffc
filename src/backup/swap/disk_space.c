#include "backup/swap/disk_space.h"

#include "backup/plan/entry_sql.h"
#include "backup_sql.h"
#include "base/error.h"
#include "base/os/directory.h"

#include <unistd.h>

/* How many bytes of rows a stored byte stands for, where that cannot be measured: the hub's rows are packed six to
 * eight to one. */
enum { TYPICAL_PACKING = 6 };

enum { SAMPLE_BYTES = 4 * 1024 * 1024 };

#define MAX_ESTIMATE 1e18 /* fits an int8 */

/* A sample from the beginning of a table. */
typedef struct {
  guint64 rows, bytes;
  gboolean is_enough;
} Sample;

static gboolean
take_sample(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  Sample *sample = user_data;
  sample->bytes += size;
  for (gsize i = 0; i < size; i++)
    sample->rows += data[i] == '\n';
  sample->is_enough = sample->bytes >= SAMPLE_BYTES;
  if (sample->is_enough)
    error_set(error, CCH_ERROR_CANCELLED, "enough");
  return !sample->is_enough;
}

/* Counts a table's rows and the bytes of their text; for a large table, extrapolates from its beginning. */
static gboolean
measure_rows(ArchiveReader *reader, const TocEntry *entry, GCancellable *cancellable, guint64 *ret_rows,
             guint64 *ret_bytes, GError **error)
{
  const ArchiveDataInfo *info = archive_reader_data_info(reader, entry);
  g_autoptr(GError) stop = NULL;
  Sample sample = {0};
  if (info->is_counted || archive_reader_read_data(reader, entry, take_sample, NULL, &sample, cancellable, &stop)) {
    *ret_rows = info->rows;
    *ret_bytes = info->data_bytes;
    return TRUE;
  }
  if (!sample.is_enough) {
    g_autofree char *name = entry_display_name(entry);
    g_propagate_prefixed_error(error, g_steal_pointer(&stop), "%s %s: ", entry->desc, name);
    return FALSE;
  }
  double stored = (double)(info->end_position - info->position);
  double factor = stored / (double)MAX(archive_reader_position(reader) - info->position, 1);
  *ret_rows = (guint64)MIN((double)sample.rows * factor, MAX_ESTIMATE);
  *ret_bytes = (guint64)MIN((double)sample.bytes * factor, MAX_ESTIMATE);
  return TRUE;
}

/* Of a file that is still arriving: from the sizes that its table of contents states, or its whole size. */
static guint64
guess_needed(const RestorePlan *plan, const ArchiveReader *reader)
{
  guint64 stored = 0;
  for (guint i = 0; i < plan->steps->len; i++) {
    const RestoreStep *step = &g_array_index(plan->steps, RestoreStep, i);
    const ArchiveDataInfo *info = archive_reader_data_info(reader, step->entry);
    if (step->kind != STEP_ROWS)
      continue;
    if (info->end_position == 0) {
      stored = archive_reader_size(reader);
      break;
    }
    stored += info->end_position - info->position;
  }
  return archive_reader_header(reader)->compression == ARCHIVE_COMPRESSION_NONE ? stored : stored * TYPICAL_PACKING;
}

static void
add_number(GString *array, guint64 number)
{
  g_string_append_printf(array, "%s%" G_GUINT64_FORMAT, array->len > 1 ? "," : "", number);
}

gboolean
disk_space_needed(PgConnection *live, const RestorePlan *plan, ArchiveReader *reader, GCancellable *cancellable,
                  guint64 *ret_bytes, GError **error)
{
  if (archive_reader_is_arriving(reader)) {
    *ret_bytes = guess_needed(plan, reader);
    return TRUE;
  }
  g_autoptr(GPtrArray) schemas = g_ptr_array_new(), names = g_ptr_array_new();
  g_autoptr(GString) rows = g_string_new("{"), bytes = g_string_new("{");
  for (guint i = 0; i < plan->steps->len; i++) {
    const RestoreStep *step = &g_array_index(plan->steps, RestoreStep, i);
    if (step->kind != STEP_ROWS || step->entry->namespace_name == NULL || step->entry->tag == NULL)
      continue;
    guint64 table_rows = 0, table_bytes = 0;
    if (!measure_rows(reader, step->entry, cancellable, &table_rows, &table_bytes, error))
      return FALSE;
    g_ptr_array_add(schemas, step->entry->namespace_name);
    g_ptr_array_add(names, step->entry->tag);
    add_number(rows, table_rows);
    add_number(bytes, table_bytes);
  }
  g_ptr_array_add(schemas, NULL);
  g_ptr_array_add(names, NULL);
  g_string_append_c(rows, '}');
  g_string_append_c(bytes, '}');
  g_autofree char *schema_array = pg_array((const char *const *)schemas->pdata);
  g_autofree char *name_array = pg_array((const char *const *)names->pdata);
  g_autofree char *needed = NULL;
  if (!pg_connection_value(live, &needed, error, backup_space_needed_sql, 4, schema_array, name_array, rows->str,
                           bytes->str))
    return FALSE;
  *ret_bytes = needed != NULL ? g_ascii_strtoull(needed, NULL, 10) : 0;
  return TRUE;
}

gboolean
disk_space_check(PgConnection *live, guint64 bytes, gboolean *ret_is_known, GError **error)
{
  g_autofree char *place = NULL;
  /* An ordinary role may not see the location; the check is then skipped. */
  *ret_is_known =
      pg_connection_value(live, &place, NULL, backup_space_place_sql, 0) && place != NULL && access(place, F_OK) == 0;
  return !*ret_is_known || directory_check_free_space(place, bytes, error);
}
