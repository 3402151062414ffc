#include "archive/reader.h"

#include "base/error.h"
#include "cli/archive_file.h"
#include "cli/cli.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char *
or_unknown(const char *text)
{
  return text != NULL ? text : "?";
}

static const char *
compression_name(const ArchiveHeader *header)
{
  static const char *const names[] = {"none", "gzip", "lz4", "zstd"};
  return names[header->compression];
}

static void
print_text(const ArchiveReader *reader)
{
  const ArchiveHeader *header = archive_reader_header(reader);
  printf("format       1.%u, compression %s\n", header->version_minor, compression_name(header));
  printf("created      %s\n", or_unknown(header->created));
  printf("database     %s\n", or_unknown(header->database));
  printf("server       %s\n", or_unknown(header->server_version));
  printf("pg_dump      %s\n", or_unknown(header->pg_dump_version));
  printf("entries      %u\n\n", archive_reader_n_entries(reader));
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    g_autofree char *line = g_strdup_printf("%6d  %-22s %s %s", entry->dump_id, entry->desc,
                                            entry->namespace_name != NULL ? entry->namespace_name : "-",
                                            entry->tag != NULL ? entry->tag : "-");
    g_autofree char *valid = g_utf8_make_valid(line, -1);
    printf("%s\n", valid);
  }
}

static json_t *
text_or_null(const char *text)
{
  g_autofree char *valid = text != NULL ? g_utf8_make_valid(text, -1) : NULL;
  return valid != NULL ? json_string(valid) : json_null();
}

static void
print_json(const ArchiveReader *reader)
{
  const ArchiveHeader *header = archive_reader_header(reader);
  g_autofree char *version = g_strdup_printf("1.%u", header->version_minor);
  json_t *entries = json_array();
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    json_array_append_new(entries, json_pack("{s:i, s:o, s:o, s:o, s:b}", "id", entry->dump_id, "kind",
                                             text_or_null(entry->desc), "schema", text_or_null(entry->namespace_name),
                                             "name", text_or_null(entry->tag), "hasData",
                                             entry->had_dumper && entry->offset_state != OFFSET_NO_DATA));
  }
  json_t *object = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "formatVersion", version, "compression",
                             compression_name(header), "created", text_or_null(header->created), "database",
                             text_or_null(header->database), "serverVersion", text_or_null(header->server_version),
                             "pgDumpVersion", text_or_null(header->pg_dump_version), "entries", entries);
  char *text = json_dumps(object, JSON_COMPACT);
  json_decref(object);
  printf("%s\n", text);
  free(text);
}

gboolean
cli_inspect(CliContext *context, int argc, char **argv, GError **error)
{
  CliParse parsed = cli_parse(context, "inspect", NULL, &argc, &argv, 1, 1, error);
  if (parsed != CLI_PARSE_RUN)
    return parsed == CLI_PARSE_DONE;
  g_auto(ArchiveFile) file = {.fd = -1};
  if (!archive_file_open(argv[1], &file, error))
    return FALSE;
  if (context->is_json)
    print_json(file.reader);
  else
    print_text(file.reader);
  return TRUE;
}
