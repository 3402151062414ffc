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

void
restore_explain_text(const Restore *restore, const TocEntry *entry, GError **failure)
{
  g_auto(GStrv) columns = NULL;
  /* Only for text in UTF-8 is it known here what is wrong. */
  if (!error_has_sqlstate(*failure, SQLSTATE_CHARACTER_NOT_IN_REPERTOIRE) ||
      !toc_entry_is(entry, TOC_KIND_TABLE_DATA) || !pg_connection_is_alive(restore->connection) ||
      g_strcmp0(pg_connection_parameter(restore->connection, "client_encoding"), "UTF8") != 0 ||
      !entry_copy_columns(entry, &columns, NULL))
    return;
  Utf8Search search = {0};
  /* Others may read with the restore's reader at this time. */
  g_autoptr(ArchiveReader) reader = archive_reader_clone(restore->reader, NULL);
  if (reader != NULL)
    archive_reader_read_data(reader, entry, search_rows, NULL, &search, restore->cancellable, NULL);
  if (!search.is_found)
    return;
  const char *column = search.column < g_strv_length(columns) ? columns[search.column] : "?";
  g_autoptr(GError) refusal = g_steal_pointer(failure);
  error_set_sql(failure, CCH_ERROR_IMPORT_INVALID_TEXT, error_sqlstate(refusal), error_source_function(refusal),
                "row %" G_GUINT64_FORMAT ", column %s: %s", search.row, column, refusal->message);
}
