#include "backup/import/manifest_match.h"
#include "backup/plan/entry_sql.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/archive/archive.h"
#include "cli/archive/archive_file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void
print_block(const CliContext *context, json_t *blocks, const TocEntry *entry, const ArchiveDataInfo *info,
            guint64 bytes, const RowTotals *totals)
{
  g_autofree char *name = entry_display_name(entry);
  if (!context->is_json) {
    g_autofree char *visible = text_visible(name);
    printf("%14" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT "  %s\n", info->rows, bytes,
           info->stored_bytes, visible);
    return;
  }
  g_autofree char *valid = g_utf8_make_valid(name, -1);
  json_t *block =
      json_pack("{s:s, s:s, s:I, s:I, s:I}", "kind", entry->desc, "name", valid, "rows", (json_int_t)info->rows,
                "bytes", (json_int_t)bytes, "storedBytes", (json_int_t)info->stored_bytes);
  if (toc_entry_is(entry, TOC_KIND_TABLE_DATA)) {
    char hash[ROW_HASH_TEXT_BYTES];
    row_totals_hash_text(totals, hash);
    json_object_set_new(block, "rowHash", json_string(hash));
  }
  json_array_append_new(blocks, block);
}

static void
print_end(const CliContext *context, json_t *blocks, guint64 rows, guint64 bytes, gboolean has_manifest,
          guint64 padding_bytes)
{
  if (context->is_json) {
    json_t *object = json_pack("{s:s, s:b, s:I, s:I, s:O}", "type", "complete", "matchesManifest", has_manifest, "rows",
                               (json_int_t)rows, "bytes", (json_int_t)bytes, "blocks", blocks);
    if (!has_manifest)
      json_object_set_new(object, "matchesManifest", json_null());
    if (padding_bytes > 0)
      json_object_set_new(object, "paddingBytes", json_integer((json_int_t)padding_bytes));
    char *text = json_dumps(object, JSON_COMPACT);
    printf("%s\n", text);
    free(text);
    json_decref(object);
    return;
  }
  gboolean is_zh = context->language == LANGUAGE_ZH_CN;
  if (padding_bytes > 0) {
    g_autofree char *text = text_format(TEXT_ARCHIVE_PADDED, context->language, padding_bytes);
    printf("%s\n", text);
  }
  if (has_manifest)
    printf("%s\n", is_zh ? "备份文件完整，与清单一致" : "The archive is intact and matches its manifest");
  else
    printf("%s\n", is_zh ? "备份文件完整" : "The archive is intact");
}

static void
print_result(const CliContext *context, const ArchiveFile *file, const RowTotals *totals, gboolean has_manifest)
{
  json_t *blocks = json_array();
  if (!context->is_json)
    printf("%14s %14s %14s  %s\n", "rows", "bytes", "stored", "table");
  const ArchiveReader *reader = file->reader;
  guint64 rows = 0, bytes = 0;
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    const ArchiveDataInfo *info = archive_reader_data_info(reader, entry);
    if (!info->is_present)
      continue;
    guint64 entry_bytes = archive_file_bytes(file, entry, &totals[i]);
    print_block(context, blocks, entry, info, entry_bytes, &totals[i]);
    rows += toc_entry_is(entry, TOC_KIND_TABLE_DATA) ? info->rows : 0;
    bytes += entry_bytes;
  }
  print_end(context, blocks, rows, bytes, has_manifest, archive_reader_padding(reader));
  json_decref(blocks);
}

static gboolean
match_manifest(const Manifest *manifest, const ArchiveFile *file, const RowTotals *totals, GCancellable *cancellable,
               GError **error)
{
  return manifest == NULL || (manifest_match_tables(manifest, file->reader, totals, error) &&
                              manifest_match_file(manifest, file->fd, cancellable, error));
}

gboolean
cli_verify(CliContext *context, int argc, char **argv, GError **error)
{
  g_autofree char *manifest_path = NULL;
  const GOptionEntry options[] = {
      {"manifest", 0, 0, G_OPTION_ARG_FILENAME, &manifest_path,
       cli_say(context, "与此清单（默认为文件旁的清单）比较",
               "compare with this manifest (the one beside FILE, if there is one)"),
       "PATH"},
      G_OPTION_ENTRY_NULL,
  };
  CliParse parsed = cli_parse(context, options, &argc, &argv, 1, 1, error);
  if (parsed != CLI_PARSE_RUN)
    return parsed == CLI_PARSE_DONE;
  g_autoptr(Manifest) manifest = NULL;
  g_auto(ArchiveFile) file = {.fd = -1};
  if (!archive_file_open(context, argv[1], &file, error) ||
      !archive_file_manifest(argv[1], manifest_path, &manifest, error))
    return FALSE;
  g_autofree RowTotals *totals = archive_file_survey(&file, context->cancellable, error);
  if (totals == NULL || !match_manifest(manifest, &file, totals, context->cancellable, error)) {
    g_prefix_error(error, "%s: ", argv[1]);
    return FALSE;
  }
  print_result(context, &file, totals, manifest != NULL);
  return TRUE;
}
