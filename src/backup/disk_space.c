#include "backup/disk_space.h"

#include "backup/temp_file.h"
#include "backup_sql.h"

#include <unistd.h>

static void
add_number(GString *array, guint64 number)
{
  g_string_append_printf(array, "%s%" G_GUINT64_FORMAT, array->len > 1 ? "," : "", number);
}

gboolean
disk_space_needed(PgConnection *live, const RestorePlan *plan, const ArchiveReader *reader, guint64 *ret_bytes,
                  GError **error)
{
  g_autoptr(GPtrArray) schemas = g_ptr_array_new(), names = g_ptr_array_new();
  g_autoptr(GString) rows = g_string_new("{"), bytes = g_string_new("{");
  for (guint i = 0; i < plan->steps->len; i++) {
    const RestoreStep *step = &g_array_index(plan->steps, RestoreStep, i);
    if (step->kind != STEP_ROWS || step->entry->namespace_name == NULL || step->entry->tag == NULL)
      continue;
    const ArchiveDataInfo *info = archive_reader_data_info(reader, step->entry);
    g_ptr_array_add(schemas, step->entry->namespace_name);
    g_ptr_array_add(names, step->entry->tag);
    add_number(rows, info->rows);
    add_number(bytes, info->data_bytes);
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
  /* An ordinary role may not know the place: no error of ours. */
  *ret_is_known =
      pg_connection_value(live, &place, NULL, backup_space_place_sql, 0) && place != NULL && access(place, F_OK) == 0;
  return !*ret_is_known || temp_file_check_space(place, bytes, error);
}
