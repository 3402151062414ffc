#include "backup/export/export_units.h"

#include "backup/plan/entry_sql.h"
#include "backup_sql.h"
#include "base/error.h"

enum { TID_RANGE_VERSION = 140000 /* the first version that can scan a range of pages without reading the others */ };

/* What the catalog says about a table. */
typedef struct {
  const char *name; /* quoted, with its schema */
  gboolean is_heap;
  guint64 pages, bytes;
  const char *condition; /* NULL: all rows */
} Relation;

static void
entry_clear(gpointer data)
{
  ExportEntry *entry = data;
  g_clear_pointer(&entry->oids, g_array_unref);
}

static void
unit_clear(gpointer data)
{
  ExportUnit *unit = data;
  g_free(unit->sql);
}

void
export_units_free(ExportUnits *units)
{
  if (units == NULL)
    return;
  g_array_unref(units->entries);
  g_array_unref(units->units);
  g_free(units);
}

static gboolean
has_data(const TocEntry *entry)
{
  return entry->had_dumper && entry->offset_state != OFFSET_NO_DATA;
}

/* The SQL list of columns, "" for a table without columns; NULL with an error. */
static char *
column_list(const TocEntry *toc, GError **error)
{
  g_auto(GStrv) columns = NULL;
  if (!entry_copy_columns(toc, &columns, error))
    return NULL;
  GString *list = g_string_new(NULL);
  for (char **column = columns; *column != NULL; column++) {
    g_autofree char *quoted = pg_quote_identifier(*column);
    g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", quoted);
  }
  return g_string_free(list, FALSE);
}

static void
add_unit(ExportUnits *units, guint entry, char *sql, guint64 relation_bytes)
{
  ExportUnit unit = {.entry = entry, .sql = sql, .relation_bytes = relation_bytes};
  g_array_append_val(units->units, unit);
  units->relation_bytes += relation_bytes;
}

/* The last range is open-ended: the table may have grown since its pages were counted. */
static void
add_ranges(ExportUnits *units, guint entry, const Relation *relation, const char *columns)
{
  guint64 n_units = MIN(relation->bytes / EXPORT_UNIT_BYTES, relation->pages);
  guint64 pages = (relation->pages + n_units - 1) / n_units;
  guint64 range_bytes = relation->bytes / n_units;
  for (guint64 from = 0; from < relation->pages; from += pages) {
    gboolean is_last = from + pages >= relation->pages;
    g_autofree char *end =
        is_last ? g_strdup("") : g_strdup_printf(" AND ctid < '(%" G_GUINT64_FORMAT ",0)'", from + pages);
    add_unit(units, entry,
             g_strdup_printf("COPY (SELECT %s FROM ONLY %s WHERE ctid >= '(%" G_GUINT64_FORMAT ",0)'%s) TO STDOUT",
                             columns, relation->name, from, end),
             is_last ? relation->bytes - from / pages * range_bytes : range_bytes);
  }
}

static gboolean
add_table(ExportUnits *units, guint entry, const TocEntry *toc, const Relation *relation, int server_version,
          GError **error)
{
  g_autofree char *columns = column_list(toc, error);
  if (columns == NULL)
    return FALSE;
  gboolean is_cut =
      relation->is_heap && server_version >= TID_RANGE_VERSION && relation->bytes >= 2 * (guint64)EXPORT_UNIT_BYTES;
  if (relation->condition != NULL)
    add_unit(units, entry,
             g_strdup_printf("COPY (SELECT %s FROM %s %s) TO STDOUT", *columns != '\0' ? columns : "*", relation->name,
                             relation->condition),
             relation->bytes);
  else if (is_cut)
    add_ranges(units, entry, relation, columns);
  else if (*columns != '\0')
    add_unit(units, entry, g_strdup_printf("COPY %s (%s) TO STDOUT", relation->name, columns), relation->bytes);
  else
    add_unit(units, entry, g_strdup_printf("COPY %s TO STDOUT", relation->name), relation->bytes);
  return TRUE;
}

/* The OIDs of the objects whose data the entry holds: those of the BLOB METADATA entry that it depends on (since
 * 1.16), or else every object with a BLOB entry of its own. */
static GArray *
large_objects(const TocEntry *data, const TocEntry *toc, guint n_entries, GError **error)
{
  g_autoptr(GArray) oids = g_array_new(FALSE, FALSE, sizeof(guint32));
  for (guint i = 0; i < n_entries; i++) {
    gboolean is_its = toc_entry_is(&toc[i], TOC_KIND_BLOB);
    for (guint k = 0; k < data->n_dependencies && toc_entry_is(&toc[i], TOC_KIND_BLOB_METADATA); k++)
      is_its = is_its || data->dependencies[k] == toc[i].dump_id;
    if (!is_its)
      continue;
    g_autoptr(GArray) some = NULL;
    if (!entry_large_objects(&toc[i], &some, error))
      return NULL;
    g_array_append_vals(oids, some->data, some->len);
  }
  return g_steal_pointer(&oids);
}

/* OID → row of export_relations.sql. */
static PgResult *
ask_relations(ExportSnapshot *snapshot, const TocEntry *toc, guint n_entries, GHashTable *rows, GError **error)
{
  GString *oids = g_string_new("{");
  for (guint i = 0; i < n_entries; i++)
    if (has_data(&toc[i]) && toc_entry_is(&toc[i], TOC_KIND_TABLE_DATA))
      g_string_append_printf(oids, "%s%u", oids->len > 1 ? "," : "", toc[i].object_oid);
  g_string_append_c(oids, '}');
  g_autofree char *array = g_string_free(oids, FALSE);
  PgResult *result =
      pg_connection_query(g_ptr_array_index(snapshot->connections, 0), error, backup_export_relations_sql, 1, array);
  for (guint row = 0; result != NULL && row < pg_result_rows(result); row++)
    g_hash_table_insert(rows, GUINT_TO_POINTER((guint32)pg_result_int64(result, row, 0)), GUINT_TO_POINTER(row + 1));
  return result;
}

static gboolean
add_entry(ExportUnits *units, const TocEntry *toc, guint n_entries, guint index, const PgResult *relations,
          GHashTable *rows, int server_version, GError **error)
{
  ExportEntry entry = {.toc = &toc[index], .first_unit = units->units->len};
  guint number = units->entries->len;
  entry.is_large_objects = toc_entry_is(entry.toc, TOC_KIND_BLOBS);
  guint found = GPOINTER_TO_UINT(g_hash_table_lookup(rows, GUINT_TO_POINTER(entry.toc->object_oid)));
  if (entry.is_large_objects) {
    entry.oids = large_objects(entry.toc, toc, n_entries, error);
    if (entry.oids == NULL)
      return FALSE;
    add_unit(units, number, NULL, 0);
  } else if (toc_entry_is(entry.toc, TOC_KIND_TABLE_DATA) && found > 0) {
    guint row = found - 1;
    Relation relation = {.name = pg_result_text(relations, row, 1),
                         .is_heap = pg_result_bool(relations, row, 2),
                         .pages = (guint64)pg_result_int64(relations, row, 3),
                         .bytes = (guint64)pg_result_int64(relations, row, 4),
                         .condition = pg_result_text(relations, row, 5)};
    if (!add_table(units, number, entry.toc, &relation, server_version, error))
      return FALSE;
  } else {
    error_set(error, CCH_ERROR_EXPORT_FAILED, "pg_dump lists data of an unknown kind: %s %s", entry.toc->desc,
              entry.toc->tag);
    return FALSE;
  }
  entry.n_units = units->units->len - entry.first_unit;
  g_array_append_val(units->entries, entry);
  return TRUE;
}

ExportUnits *
export_units_new(ExportSnapshot *snapshot, const TocEntry *toc, guint n_entries, GError **error)
{
  g_autoptr(ExportUnits) units = g_new0(ExportUnits, 1);
  units->entries = g_array_new(FALSE, FALSE, sizeof(ExportEntry));
  units->units = g_array_new(FALSE, FALSE, sizeof(ExportUnit));
  g_array_set_clear_func(units->entries, entry_clear);
  g_array_set_clear_func(units->units, unit_clear);
  g_autoptr(GHashTable) rows = g_hash_table_new(NULL, NULL);
  g_autoptr(PgResult) relations = ask_relations(snapshot, toc, n_entries, rows, error);
  if (relations == NULL)
    return NULL;
  int server_version = pg_connection_server_version(g_ptr_array_index(snapshot->connections, 0));
  for (guint i = 0; i < n_entries; i++)
    if (has_data(&toc[i]) && !add_entry(units, toc, n_entries, i, relations, rows, server_version, error))
      return NULL;
  return g_steal_pointer(&units);
}
