#include "backup/restore/large_objects.h"

#include "backup/plan/entry_sql.h"
#include "backup/restore/restore_private.h"
#include "base/error.h"

enum { PIECE_BYTES = 256 * 1024 };

/* Creates one, unless it is there. */
static gboolean
create_one(Restore *restore, const TocEntry *entry, guint32 oid, GError **error)
{
  g_autofree char *oid_text = g_strdup_printf("%u", oid);
  g_autofree char *found = NULL;
  if (!pg_connection_value(restore->connection, &found, error,
                           "SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE oid = $1::pg_catalog.oid", 1,
                           oid_text))
    return FALSE;
  if (found != NULL) {
    g_hash_table_add(restore->present_large_objects, GUINT_TO_POINTER(oid));
    /* An entry of one object: its comment and grants stay too. */
    if (toc_entry_is(entry, "BLOB"))
      restore_mark_present(restore, entry);
    return TRUE;
  }
  g_autofree char *sql = g_strdup_printf("SELECT pg_catalog.lo_create('%u')", oid);
  if (!restore_run_sql(restore, sql, error))
    return FALSE;
  g_hash_table_add(restore->created_large_objects, GUINT_TO_POINTER(oid));
  if (!restore->way->sets_owners || entry->owner == NULL || *entry->owner == '\0')
    return TRUE;
  g_autofree char *owner = pg_quote_identifier(entry->owner);
  g_autofree char *set_owner = g_strdup_printf("ALTER LARGE OBJECT %u OWNER TO %s", oid, owner);
  g_autoptr(GError) failure = NULL;
  if (restore_run_sql(restore, set_owner, &failure))
    return TRUE;
  if (restore_verdict(restore, entry, failure) != VERDICT_ROLE_MISSING) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  backup_progress_warn(restore->progress, TEXT_IMPORT_WARNING, failure->message);
  return TRUE;
}

gboolean
large_objects_create(Restore *restore, const TocEntry *entry, GError **error)
{
  g_autoptr(GArray) oids = NULL;
  if (!entry_large_objects(entry, &oids, error))
    return FALSE;
  for (guint i = 0; i < oids->len; i++) {
    if (!create_one(restore, entry, g_array_index(oids, guint32, i), error)) {
      g_prefix_error(error, "create large object %u: ", g_array_index(oids, guint32, i));
      return FALSE;
    }
  }
  return TRUE;
}

typedef struct {
  Restore *restore;
  guint32 oid;
  gboolean is_skipped;
  gint64 offset;
  GByteArray *buffer;
} Writer;

static gboolean
flush_piece(Writer *writer, GError **error)
{
  if (writer->buffer->len == 0)
    return TRUE;
  GString *hex = g_string_sized_new(writer->buffer->len * 2 + 3);
  g_string_append(hex, "\\x");
  for (guint i = 0; i < writer->buffer->len; i++) {
    g_string_append_c(hex, "0123456789abcdef"[writer->buffer->data[i] >> 4]);
    g_string_append_c(hex, "0123456789abcdef"[writer->buffer->data[i] & 15]);
  }
  g_autofree char *data = g_string_free(hex, FALSE);
  g_autofree char *oid = g_strdup_printf("%u", writer->oid);
  g_autofree char *offset = g_strdup_printf("%" G_GINT64_FORMAT, writer->offset);
  g_autoptr(PgResult) result = pg_connection_query(
      writer->restore->connection, error,
      "SELECT pg_catalog.lo_put($1::pg_catalog.oid, $2::pg_catalog.int8, $3::pg_catalog.bytea)", 3, oid, offset, data);
  if (result == NULL) {
    g_prefix_error(error, "write large object %s: ", oid);
    return FALSE;
  }
  writer->offset += writer->buffer->len;
  backup_progress_add(writer->restore->progress, 0, writer->buffer->len);
  g_byte_array_set_size(writer->buffer, 0);
  return TRUE;
}

static gboolean
begin_object(guint32 oid, gpointer user_data, GError **error)
{
  Writer *writer = user_data;
  if (!flush_piece(writer, error))
    return FALSE;
  writer->oid = oid;
  writer->offset = 0;
  writer->is_skipped = g_hash_table_contains(writer->restore->present_large_objects, GUINT_TO_POINTER(oid));
  /* Bytes under another OID than the table of contents names would go over an object that has nothing to do with this.
   */
  if (writer->is_skipped || g_hash_table_contains(writer->restore->created_large_objects, GUINT_TO_POINTER(oid)))
    return TRUE;
  error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "the table of contents does not name large object %u", oid);
  return FALSE;
}

static gboolean
take_bytes(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  Writer *writer = user_data;
  while (size > 0 && !writer->is_skipped) {
    gsize piece = MIN(size, PIECE_BYTES - (gsize)writer->buffer->len);
    g_byte_array_append(writer->buffer, data, (guint)piece);
    data += piece;
    size -= piece;
    if (writer->buffer->len == PIECE_BYTES && !flush_piece(writer, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_all(Restore *restore, gpointer user_data, GError **error)
{
  g_autoptr(GByteArray) buffer = g_byte_array_sized_new(PIECE_BYTES);
  Writer writer = {.restore = restore, .buffer = buffer};
  return archive_reader_read_data(restore->reader, user_data, take_bytes, begin_object, &writer, restore->cancellable,
                                  error) &&
         flush_piece(&writer, error);
}

gboolean
large_objects_write(Restore *restore, const TocEntry *entry, GError **error)
{
  backup_progress_say(restore->progress, TEXT_IMPORT_LARGE_OBJECTS);
  return restore_run(restore, write_all, (gpointer)entry, error);
}

gboolean
large_objects_unlink(Restore *restore, const TocEntry *entry, GError **error)
{
  g_autoptr(GArray) oids = NULL;
  if (!entry_large_objects(entry, &oids, error))
    return FALSE;
  for (guint i = 0; i < oids->len; i++)
    if (!pg_connection_execf(
            restore->connection, error,
            "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = '%u'",
            g_array_index(oids, guint32, i)))
      return FALSE;
  return TRUE;
}
