#include "backup/restore/large_objects.h"

#include "backup/plan/entry_sql.h"
#include "backup/restore/restore_private.h"
#include "base/error.h"

enum { PIECE_BYTES = 256 * 1024 };

/* "{1,2,3}" */
static char *
oid_array(const GArray *oids)
{
  GString *array = g_string_new("{");
  for (guint i = 0; i < oids->len; i++)
    g_string_append_printf(array, "%s%u", i > 0 ? "," : "", g_array_index(oids, guint32, i));
  g_string_append_c(array, '}');
  return g_string_free(array, FALSE);
}

/* Removes from `oids` the objects that exist already. */
static gboolean
note_present(Restore *restore, const TocEntry *entry, GArray *oids, GError **error)
{
  g_autofree char *array = oid_array(oids);
  g_autoptr(PgResult) present = pg_connection_query(
      restore->connection, error,
      "SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE oid = ANY ($1::pg_catalog.oid[])", 1, array);
  if (present == NULL)
    return FALSE;
  for (guint i = 0; i < pg_result_rows(present); i++)
    g_hash_table_add(restore->present_large_objects, GUINT_TO_POINTER((guint32)pg_result_int64(present, i, 0)));
  /* An entry of a single object: its comment and grants stay as well. */
  if (pg_result_rows(present) > 0 && toc_entry_is(entry, TOC_KIND_BLOB))
    restore_mark_present(restore, entry);
  for (guint i = oids->len; i > 0; i--)
    if (g_hash_table_contains(restore->present_large_objects, GUINT_TO_POINTER(g_array_index(oids, guint32, i - 1))))
      g_array_remove_index_fast(oids, i - 1);
  return TRUE;
}

/* TRUE if objects can be created as this role: it is not ours, and we may switch to it. Checked once per role, with
 * a warning if not. */
static gboolean
may_make_as(Restore *restore, const char *owner, const char *role, gboolean *ret_may, GError **error)
{
  gpointer known = NULL;
  if (g_hash_table_lookup_extended(restore->large_object_owners, owner, NULL, &known)) {
    *ret_may = GPOINTER_TO_INT(known);
    return TRUE;
  }
  g_autofree char *is_ours = NULL;
  if (!pg_connection_value(restore->connection, &is_ours, error,
                           "SELECT rolname = current_user FROM pg_catalog.pg_roles WHERE rolname = $1", 1, owner))
    return FALSE;
  g_autoptr(GError) failure = NULL;
  g_autofree char *try = g_strdup_printf("SET LOCAL ROLE %s; RESET ROLE", role);
  *ret_may = is_ours != NULL && *is_ours == 'f' && restore_run_sql(restore, try, &failure);
  if (failure != NULL && error_code(failure) != CCH_ERROR_DATABASE_PERMISSION) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  g_hash_table_insert(restore->large_object_owners, g_strdup(owner), GINT_TO_POINTER(*ret_may));
  if (is_ours == NULL || failure != NULL) {
    g_autofree char *text = g_strdup_printf("BLOB: ALTER LARGE OBJECT OWNER TO %s: %s", role,
                                            failure != NULL ? failure->message : "there is no such role");
    if (restore->plan->is_strict) {
      error_set(error, CCH_ERROR_IMPORT_LEFT_OUT, "%s", text);
      return FALSE;
    }
    backup_progress_warn(restore->progress, TEXT_IMPORT_WARNING, text);
  }
  return TRUE;
}

gboolean
large_objects_create(Restore *restore, const TocEntry *entry, GError **error)
{
  g_autoptr(GArray) oids = NULL;
  gboolean has_owner = restore->way->sets_owners && entry->owner != NULL && *entry->owner != '\0';
  gboolean is_by_owner = FALSE;
  g_autofree char *role = has_owner ? pg_quote_identifier(entry->owner) : NULL;
  if (!entry_large_objects(entry, &oids, error) || !note_present(restore, entry, oids, error))
    return FALSE;
  if (oids->len == 0)
    return TRUE;
  if (has_owner && !may_make_as(restore, entry->owner, role, &is_by_owner, error))
    return FALSE;
  /* ALTER … OWNER locks each object until the end of the transaction, and a server has room for some thousands of
   * locks. Objects created by their owner need none. */
  g_autofree char *array = oid_array(oids);
  g_autofree char *create = g_strdup_printf(
      "SELECT pg_catalog.count(pg_catalog.lo_create(o)) FROM pg_catalog.unnest('%s'::pg_catalog.oid[]) AS o", array);
  g_autofree char *sql =
      is_by_owner ? g_strdup_printf("SET LOCAL ROLE %s; %s; RESET ROLE", role, create) : g_strdup(create);
  if (!restore_run_sql(restore, sql, error)) {
    g_prefix_error(error, "create large objects %u…: ", g_array_index(oids, guint32, 0));
    return FALSE;
  }
  for (guint i = 0; i < oids->len; i++)
    g_hash_table_add(restore->created_large_objects, GUINT_TO_POINTER(g_array_index(oids, guint32, i)));
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
  /* Data under an OID that the table of contents does not name would overwrite an unrelated object. */
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
