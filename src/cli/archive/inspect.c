#include "archive/read/reader.h"

#include "backup/hub_level/hub_level.h"
#include "backup/import/manifest_match.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/archive/archive.h"
#include "cli/archive/archive_file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Facts about an entry's data, from any source. */
typedef struct {
  gboolean is_known;
  guint64 rows;
  guint64 bytes;
  guint64 stored_bytes;
} EntryCounts;

typedef enum { COUNTS_NONE, COUNTS_FROM_MANIFEST, COUNTS_FROM_DATA } CountsSource;

static const char *
or_unknown(const char *text)
{
  return text != NULL ? text : "?";
}

static void
print_visible(const char *text)
{
  g_autofree char *visible = text_visible(text);
  puts(visible);
}

static void
print_named(const char *name, const char *value)
{
  g_autofree char *line = g_strdup_printf("%-12s %s", name, or_unknown(value));
  print_visible(line);
}

/* The hub's schema level: how many of its migrations the archive's record has; 0 without a record, or without counts.
 */
static gint64
find_hub_level(const ArchiveReader *reader, const EntryCounts *counts)
{
  guint index = 0;
  return counts != NULL && hub_level_find_record(reader, &index) && counts[index].is_known ? (gint64)counts[index].rows
                                                                                           : 0;
}

static void
print_header(const ArchiveReader *reader, gint64 hub_level)
{
  const ArchiveHeader *header = archive_reader_header(reader);
  printf("format       1.%u, compression %s\n", header->version_minor, archive_compression_name(header->compression));
  print_named("created", header->created);
  print_named("database", header->database);
  print_named("server", header->server_version);
  print_named("pg_dump", header->pg_dump_version);
  if (hub_level > 0) {
    g_autofree char *level = hub_level_text(hub_level);
    print_named("migrations", level);
  }
  printf("entries      %u\n\n", archive_reader_n_entries(reader));
}

static void
print_entry(const TocEntry *entry)
{
  g_autofree char *line = g_strdup_printf("%6d  %-22s %s %s", entry->dump_id, entry->desc,
                                          entry->namespace_name != NULL ? entry->namespace_name : "-", entry->tag);
  print_visible(line);
}

static void
print_counts(const TocEntry *entry, const EntryCounts *counts)
{
  g_autofree char *line =
      g_strdup_printf("%14" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT "  %s%s%s", counts->rows,
                      counts->bytes, counts->stored_bytes, entry->namespace_name != NULL ? entry->namespace_name : "",
                      entry->namespace_name != NULL ? "." : "", entry->tag);
  print_visible(line);
}

static void
print_text(const ArchiveReader *reader, const EntryCounts *counts)
{
  guint n_entries = archive_reader_n_entries(reader);
  print_header(reader, find_hub_level(reader, counts));
  if (counts != NULL)
    printf("%14s %14s %14s  %s\n", "rows", "bytes", "stored", "table");
  for (guint i = 0; counts != NULL && i < n_entries; i++) {
    if (counts[i].is_known)
      print_counts(archive_reader_entry(reader, i), &counts[i]);
  }
  for (guint i = 0; counts == NULL && i < n_entries; i++)
    print_entry(archive_reader_entry(reader, i));
}

static json_t *
text_or_null(const char *text)
{
  g_autofree char *valid = text != NULL ? g_utf8_make_valid(text, -1) : NULL;
  return valid != NULL ? json_string(valid) : json_null();
}

static json_t *
entry_to_json(const TocEntry *entry, const EntryCounts *counts)
{
  json_t *object = json_pack("{s:i, s:o, s:o, s:o, s:b}", "id", entry->dump_id, "kind", text_or_null(entry->desc),
                             "schema", text_or_null(entry->namespace_name), "name", text_or_null(entry->tag), "hasData",
                             entry->had_dumper && entry->offset_state != OFFSET_NO_DATA);
  if (counts != NULL && counts->is_known) {
    json_object_set_new(object, "rows", json_integer((json_int_t)counts->rows));
    json_object_set_new(object, "bytes", json_integer((json_int_t)counts->bytes));
    json_object_set_new(object, "storedBytes", json_integer((json_int_t)counts->stored_bytes));
  }
  return object;
}

static void
print_json(const ArchiveReader *reader, const EntryCounts *counts, CountsSource source)
{
  static const char *const sources[] = {NULL, "manifest", "data"};
  const ArchiveHeader *header = archive_reader_header(reader);
  g_autofree char *version = g_strdup_printf("1.%u", header->version_minor);
  json_t *entries = json_array();
  for (guint i = 0; i < archive_reader_n_entries(reader); i++)
    json_array_append_new(entries, entry_to_json(archive_reader_entry(reader, i), counts != NULL ? &counts[i] : NULL));
  json_t *object =
      json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "formatVersion", version, "compression",
                archive_compression_name(header->compression), "created", text_or_null(header->created), "database",
                text_or_null(header->database), "serverVersion", text_or_null(header->server_version), "pgDumpVersion",
                text_or_null(header->pg_dump_version), "countsFrom", text_or_null(sources[source]), "hubLevel",
                hub_level_to_json(find_hub_level(reader, counts)), "entries", entries);
  char *text = json_dumps(object, JSON_COMPACT);
  json_decref(object);
  printf("%s\n", text);
  free(text);
}

/* From the manifest; FALSE unless it names every table, and all data belongs to tables. */
static gboolean
count_by_manifest(const Manifest *manifest, const ArchiveReader *reader, EntryCounts *counts)
{
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    if (!entry->had_dumper)
      continue;
    const ManifestTable *table = toc_entry_is(entry, TOC_KIND_TABLE_DATA) ? manifest_find_entry(manifest, entry) : NULL;
    if (table == NULL)
      return FALSE;
    counts[i] = (EntryCounts){
        .is_known = TRUE,
        .rows = table->totals.rows,
        .bytes = table->totals.bytes,
        .stored_bytes = archive_reader_data_info(reader, entry)->stored_bytes,
    };
  }
  return TRUE;
}

static gboolean
count_by_data(ArchiveFile *file, EntryCounts *counts, GCancellable *cancellable, GError **error)
{
  g_autofree RowTotals *totals = archive_file_survey(file, cancellable, error);
  if (totals == NULL)
    return FALSE;
  for (guint i = 0; i < archive_reader_n_entries(file->reader); i++) {
    const TocEntry *entry = archive_reader_entry(file->reader, i);
    const ArchiveDataInfo *info = archive_reader_data_info(file->reader, entry);
    counts[i] = (EntryCounts){
        .is_known = info->is_present,
        .rows = info->rows,
        .bytes = archive_file_bytes(file, entry, &totals[i]),
        .stored_bytes = info->stored_bytes,
    };
  }
  return TRUE;
}

/* The manifest is used only if it belongs to exactly this file: then nothing needs to be unpacked. */
static gboolean
count_rows(const char *path, ArchiveFile *file, EntryCounts *counts, CountsSource *ret_source,
           GCancellable *cancellable, GError **error)
{
  g_autoptr(Manifest) manifest = NULL;
  *ret_source = COUNTS_FROM_MANIFEST;
  if (archive_file_manifest(path, NULL, &manifest, NULL) && manifest != NULL &&
      manifest_match_file(manifest, file->fd, cancellable, NULL) &&
      archive_reader_scan(file->reader, cancellable, NULL) && count_by_manifest(manifest, file->reader, counts))
    return TRUE;
  *ret_source = COUNTS_FROM_DATA;
  return count_by_data(file, counts, cancellable, error);
}

gboolean
cli_inspect(CliContext *context, int argc, char **argv, GError **error)
{
  gboolean is_toc_only = FALSE;
  const GOptionEntry options[] = {
      {"toc", 0, 0, G_OPTION_ARG_NONE, &is_toc_only,
       cli_say(context, "只显示头信息与目录，不统计行数", "header and table of contents only, without counting rows"),
       NULL},
      G_OPTION_ENTRY_NULL,
  };
  CliParse parsed = cli_parse(context, options, &argc, &argv, 1, 1, error);
  if (parsed != CLI_PARSE_RUN)
    return parsed == CLI_PARSE_DONE;
  g_auto(ArchiveFile) file = {.fd = -1};
  if (!archive_file_open(context, argv[1], &file, error))
    return FALSE;
  CountsSource source = COUNTS_NONE;
  g_autofree EntryCounts *counts = is_toc_only ? NULL : g_new0(EntryCounts, archive_reader_n_entries(file.reader));
  if (counts != NULL && !count_rows(argv[1], &file, counts, &source, context->cancellable, error)) {
    g_prefix_error(error, "%s: ", argv[1]);
    return FALSE;
  }
  if (context->is_json)
    print_json(file.reader, counts, source);
  else
    print_text(file.reader, counts);
  return TRUE;
}
