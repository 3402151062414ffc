#include "backup/restore/way.h"

#include <math.h>

enum {
  CACHED_RUN_KB = 4096,
  TAPE_KB = 33 * 8,    /* for each run that is merged: MERGE_BUFFER_SIZE and TAPE_BUFFER_OVERHEAD of tuplesort.c */
  ROW_TO_KEY_SHARE = 8 /* a row has at least this many times the bytes of its index entry */
};

gboolean
restore_configured_sort_kb(PgConnection *connection, guint *ret_kb, GError **error)
{
  g_autofree char *kb = NULL;
  if (!pg_connection_value(
          connection, &kb, error,
          "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'maintenance_work_mem' AND unit = 'kB'", 0))
    return FALSE;
  *ret_kb = kb != NULL ? (guint)g_ascii_strtoull(kb, NULL, 10) : 0;
  return TRUE;
}

/* With memory m, m / TAPE_KB runs of size m are merged at once. Chooses the m for two passes over the data, but at
 * least the size of the cache. */
guint
restore_sort_kb(guint64 table_bytes, guint configured_kb)
{
  double sorted_kb = (double)table_bytes / 1024 / ROW_TO_KEY_SHARE;
  double two_passes_kb = cbrt(sorted_kb * TAPE_KB * TAPE_KB);
  return (guint)MIN(MAX(two_passes_kb, CACHED_RUN_KB), configured_kb);
}
