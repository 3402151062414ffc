/* Names the value that the server refused because its bytes are no text in the database's encoding. */
#include "archive/rows/copy_text_utf8.h"
#include "backup/plan/entry_sql.h"
#include "backup/restore/restore_private.h"
#include "base/error.h"
#include "pg/connection/sqlstate.h"

static gboolean
search_rows(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  if (!utf8_search_push(user_data, data, size))
    return TRUE;
  error_set_cancelled(error); /* the rest need not be read */
  return FALSE;
}

/* FALSE if no such text was found, or only the server knows. Only for text in UTF-8 is it known here what is wrong. */
static gboolean
find_invalid(const Restore *restore, const TocEntry *entry, guint64 *ret_row, char **ret_column)
{
  g_auto(GStrv) columns = NULL;
  if (!toc_entry_is(entry, TOC_KIND_TABLE_DATA) || !pg_connection_is_alive(restore->connection) ||
      g_strcmp0(pg_connection_parameter(restore->connection, "client_encoding"), "UTF8") != 0 ||
      !entry_copy_columns(entry, &columns, NULL))
    return FALSE;
  Utf8Search search = {0};
  /* Others may read with the restore's reader at this time. */
  g_autoptr(ArchiveReader) reader = archive_reader_clone(restore->reader);
  archive_reader_read_data(reader, entry, search_rows, NULL, &search, restore->cancellable, NULL);
  if (!search.is_found)
    return FALSE;
  *ret_row = search.row;
  *ret_column = g_strdup(search.column < g_strv_length(columns) ? columns[search.column] : "?");
  return TRUE;
}

void
restore_explain_text(const Restore *restore, const TocEntry *entry, GError **failure)
{
  guint64 row = 0;
  g_autofree char *column = NULL;
  if (!error_has_sqlstate(*failure, SQLSTATE_CHARACTER_NOT_IN_REPERTOIRE) ||
      !find_invalid(restore, entry, &row, &column))
    return;
  g_autoptr(GError) refusal = g_steal_pointer(failure);
  error_set_sql(failure, CCH_ERROR_IMPORT_INVALID_TEXT, error_sqlstate(refusal), error_source_function(refusal),
                "row %" G_GUINT64_FORMAT ", column %s: %s", row, column, refusal->message);
}

gboolean
restore_check_text(const Restore *restore, const TocEntry *entry, GError **error)
{
  guint64 row = 0;
  g_autofree char *column = NULL;
  if (!find_invalid(restore, entry, &row, &column))
    return TRUE;
  error_set(error, CCH_ERROR_IMPORT_INVALID_TEXT, "row %" G_GUINT64_FORMAT ", column %s", row, column);
  return FALSE;
}
