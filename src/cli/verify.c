#include "archive/reader.h"

#include "backup/entry_sql.h"
#include "base/error.h"
#include "cli/archive_file.h"
#include "cli/cli.h"
#include "cli/progress_bar.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void
show_progress(guint64 bytes_done, guint64 bytes_total, gpointer bar)
{
  ProgressState state = {.percent = bytes_total > 0 ? (double)bytes_done * 100 / (double)bytes_total : 0,
                         .bytes = bytes_done};
  progress_bar_update(bar, &state);
}

static void
print_block(const CliContext *context, json_t *blocks, const TocEntry *entry, const ArchiveDataInfo *info)
{
  g_autofree char *name = entry_display_name(entry);
  if (context->is_json)
    json_array_append_new(blocks, json_pack("{s:s, s:s, s:I, s:I, s:I}", "kind", entry->desc, "name", name, "rows",
                                            (json_int_t)info->rows, "bytes", (json_int_t)info->data_bytes,
                                            "storedBytes", (json_int_t)info->stored_bytes));
  else
    printf("%14" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT "  %s\n", info->rows,
           info->data_bytes, info->stored_bytes, name);
}

static void
print_result(const CliContext *context, const ArchiveReader *reader)
{
  json_t *blocks = json_array();
  if (!context->is_json)
    printf("%14s %14s %14s  %s\n", "rows", "bytes", "stored", "table");
  guint64 rows = 0, bytes = 0;
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    const ArchiveDataInfo *info = archive_reader_data_info(reader, entry);
    if (!info->is_present)
      continue;
    print_block(context, blocks, entry, info);
    rows += toc_entry_is(entry, "TABLE DATA") ? info->rows : 0;
    bytes += info->data_bytes;
  }
  if (context->is_json) {
    json_t *object = json_pack("{s:s, s:I, s:I, s:O}", "type", "complete", "rows", (json_int_t)rows, "bytes",
                               (json_int_t)bytes, "blocks", blocks);
    char *text = json_dumps(object, JSON_COMPACT);
    printf("%s\n", text);
    free(text);
    json_decref(object);
  } else {
    printf("%s\n", context->language == LANGUAGE_ZH_CN ? "备份文件完整" : "The archive is intact");
  }
  json_decref(blocks);
}

gboolean
cli_verify(CliContext *context, int argc, char **argv, GError **error)
{
  CliParse parsed = cli_parse(context, "verify", NULL, &argc, &argv, 1, 1, error);
  if (parsed != CLI_PARSE_RUN)
    return parsed == CLI_PARSE_DONE;
  g_auto(ArchiveFile) file = {.fd = -1};
  if (!archive_file_open(argv[1], &file, error))
    return FALSE;
  g_autoptr(ProgressBar) bar = progress_bar_new();
  if (!archive_reader_check(file.reader, show_progress, bar, context->cancellable, error)) {
    g_prefix_error(error, "%s: ", argv[1]);
    return FALSE;
  }
  g_clear_pointer(&bar, progress_bar_free);
  print_result(context, file.reader);
  return TRUE;
}
