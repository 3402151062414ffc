#include "archive/toc/toc_parse.h"

#include "base/error.h"

#include <string.h>

/* "PGDMP", version major, minor, revision, int_size, offset_size, format. */
#define MAGIC          "PGDMP"
#define MAGIC_BYTES    5
#define PREAMBLE_BYTES 11
#define FORMAT_CUSTOM  1

#define MIN_MINOR 12
#define MAX_MINOR 16

gboolean
archive_magic_plausible(const guint8 *bytes, gsize n_bytes)
{
  if (memcmp(bytes, MAGIC, MIN(n_bytes, MAGIC_BYTES)) != 0)
    return FALSE;
  return (n_bytes <= 5 || bytes[5] == 1) && (n_bytes <= 10 || bytes[10] == FORMAT_CUSTOM);
}

static gboolean
parse_preamble(WireSource *source, ArchiveHeader *header, GError **error)
{
  guint8 bytes[PREAMBLE_BYTES];
  gsize present = (gsize)MIN(wire_source_size(source), PREAMBLE_BYTES);
  if (!wire_read_bytes(source, bytes, present, error))
    return FALSE;
  if (present < MAGIC_BYTES || memcmp(bytes, MAGIC, MAGIC_BYTES) != 0) {
    error_set(error, CCH_ERROR_ARCHIVE_FORMAT, "the file does not begin with \"" MAGIC "\"");
    return FALSE;
  }
  if (present < PREAMBLE_BYTES) {
    error_set_explained(error, CCH_ERROR_ARCHIVE_CORRUPT, TEXT_ARCHIVE_CUT_IN_HEADER,
                        "the file has %" G_GSIZE_FORMAT " bytes", present);
    return FALSE;
  }
  if (bytes[5] != 1 || bytes[6] < MIN_MINOR || bytes[6] > MAX_MINOR) {
    error_set(error, CCH_ERROR_ARCHIVE_VERSION, "archive version %d.%d; versions 1.%d to 1.%d are supported", bytes[5],
              bytes[6], MIN_MINOR, MAX_MINOR);
    return FALSE;
  }
  if (bytes[10] != FORMAT_CUSTOM) {
    error_set(error, CCH_ERROR_ARCHIVE_FORMAT, "the archive is not in custom format (its format is %d)", bytes[10]);
    return FALSE;
  }
  if (bytes[8] < 1 || bytes[8] > WIRE_MAX_SIZE || bytes[9] < 1 || bytes[9] > WIRE_MAX_SIZE) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "impossible size of integers (%d) or offsets (%d)", bytes[8], bytes[9]);
    return FALSE;
  }
  header->version_minor = bytes[6];
  header->version_revision = bytes[7];
  header->int_size = bytes[8];
  header->offset_size = bytes[9];
  wire_source_set_sizes(source, header->int_size, header->offset_size);
  return TRUE;
}

static gboolean
parse_compression(WireSource *source, ArchiveHeader *header, GError **error)
{
  if (header->version_minor < TOC_VERSION_COMPRESSION_ALGORITHM) {
    if (!wire_read_int_in(source, -1, 9, "compression level", &header->compression_level, error))
      return FALSE;
    header->compression = header->compression_level == 0 ? ARCHIVE_COMPRESSION_NONE : ARCHIVE_COMPRESSION_GZIP;
    return TRUE;
  }
  guint8 algorithm;
  if (!wire_read_byte(source, &algorithm, error))
    return FALSE;
  if (algorithm > ARCHIVE_COMPRESSION_ZSTD) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "unknown compression %d", algorithm);
    return FALSE;
  }
  header->compression = (ArchiveCompression)algorithm;
  return TRUE;
}

/* The fields of struct tm in its order; the last, isdst, is meaningless without the time zone. */
static gboolean
parse_created(WireSource *source, ArchiveHeader *header, GError **error)
{
  static const struct {
    int min, max;
  } ranges[] = {{0, 60}, {0, 59}, {0, 23}, {1, 31}, {0, 11}, {70, 8099}, {-1, 1}};
  G_STATIC_ASSERT(G_N_ELEMENTS(ranges) == ARCHIVE_CREATED_FIELDS);
  int *fields = header->created_fields;
  for (gsize i = 0; i < G_N_ELEMENTS(ranges); i++) {
    if (!wire_read_int_in(source, ranges[i].min, ranges[i].max, "creation time", &fields[i], error))
      return FALSE;
  }
  header->created = g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02d", fields[5] + 1900, fields[4] + 1, fields[3],
                                    fields[2], fields[1], fields[0]);
  return TRUE;
}

gboolean
toc_parse_header(WireSource *source, ArchiveHeader *ret_header, GError **error)
{
  ArchiveHeader header = {0};
  wire_source_set_end_text(source, TEXT_ARCHIVE_CUT_IN_HEADER);
  gboolean ok = parse_preamble(source, &header, error) && parse_compression(source, &header, error) &&
                parse_created(source, &header, error) &&
                wire_read_string(source, ARCHIVE_MAX_STRING_BYTES, &header.database, error) &&
                wire_read_string(source, ARCHIVE_MAX_STRING_BYTES, &header.server_version, error) &&
                wire_read_string(source, ARCHIVE_MAX_STRING_BYTES, &header.pg_dump_version, error);
  if (!ok) {
    archive_header_clear(&header);
    return FALSE;
  }
  *ret_header = header;
  return TRUE;
}

typedef struct {
  WireSource *source;
  guint version_minor;
  gsize string_bytes_left; /* left of ARCHIVE_MAX_TOC_BYTES */
} TocParser;

static gboolean
parse_string(TocParser *parser, char **ret_string, GError **error)
{
  g_autofree char *string = NULL;
  gsize max_bytes = MIN(ARCHIVE_MAX_STRING_BYTES, parser->string_bytes_left);
  if (!wire_read_string(parser->source, max_bytes, &string, error))
    return FALSE;
  if (string != NULL)
    parser->string_bytes_left -= strlen(string);
  *ret_string = g_steal_pointer(&string);
  return TRUE;
}

static gboolean
parse_required_string(TocParser *parser, const char *what, char **ret_string, GError **error)
{
  if (!parse_string(parser, ret_string, error))
    return FALSE;
  if (*ret_string == NULL) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "a TOC entry without its %s", what);
    return FALSE;
  }
  return TRUE;
}

/* Parses TOC numbers that are stored as decimal strings. */
static gboolean
parse_decimal(const char *string, guint64 max, const char *what, guint64 *ret_value, GError **error)
{
  if (g_ascii_string_to_unsigned(string, 10, 0, max, ret_value, NULL))
    return TRUE;
  error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "impossible %s in a TOC entry", what);
  return FALSE;
}

static gboolean
parse_catalog_oid(TocParser *parser, guint32 *ret_oid, GError **error)
{
  g_autofree char *string = NULL;
  guint64 oid;
  if (!parse_required_string(parser, "OID", &string, error) || !parse_decimal(string, G_MAXUINT32, "OID", &oid, error))
    return FALSE;
  *ret_oid = (guint32)oid;
  return TRUE;
}

static gboolean
parse_with_oids(TocParser *parser, const TocEntry *entry, GError **error)
{
  g_autofree char *string = NULL;
  if (!parse_required_string(parser, "WITH OIDS flag", &string, error))
    return FALSE;
  if (strcmp(string, "false") == 0)
    return TRUE;
  if (strcmp(string, "true") == 0)
    error_set(error, CCH_ERROR_ARCHIVE_UNSUPPORTED, "%s %s was created WITH OIDS, which PostgreSQL 12 removed",
              entry->desc, entry->tag);
  else
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "impossible WITH OIDS flag in a TOC entry");
  return FALSE;
}

/* Decimal strings, terminated by a NULL string. */
static gboolean
parse_dependencies(TocParser *parser, TocEntry *entry, GError **error)
{
  g_autoptr(GArray) dependencies = g_array_new(FALSE, FALSE, sizeof(int));
  for (;;) {
    g_autofree char *string = NULL;
    guint64 dump_id;
    if (!parse_string(parser, &string, error))
      return FALSE;
    if (string == NULL)
      break;
    if (!parse_decimal(string, G_MAXINT, "dependency", &dump_id, error))
      return FALSE;
    int id = (int)dump_id;
    g_array_append_val(dependencies, id);
  }
  entry->n_dependencies = dependencies->len;
  entry->dependencies = dependencies->len > 0 ? (int *)(gpointer)g_array_steal(dependencies, NULL) : NULL;
  return TRUE;
}

static gboolean
parse_identity(TocParser *parser, TocEntry *entry, GError **error)
{
  int section;
  if (!wire_read_int_in(parser->source, 1, G_MAXINT, "dump ID", &entry->dump_id, error) ||
      !wire_read_int_in(parser->source, 0, 1, "flag", &entry->had_dumper, error) ||
      !parse_catalog_oid(parser, &entry->catalog_oid, error) || !parse_catalog_oid(parser, &entry->object_oid, error) ||
      !parse_required_string(parser, "tag", &entry->tag, error) ||
      !parse_required_string(parser, "kind", &entry->desc, error) ||
      !wire_read_int_in(parser->source, SECTION_NONE, SECTION_POST_DATA, "section", &section, error))
    return FALSE;
  entry->section = (ArchiveSection)section;
  return TRUE;
}

static gboolean
parse_definition(TocParser *parser, TocEntry *entry, GError **error)
{
  int relkind = 0;
  if (!parse_string(parser, &entry->defn, error) || !parse_string(parser, &entry->drop_stmt, error) ||
      !parse_string(parser, &entry->copy_stmt, error) || !parse_string(parser, &entry->namespace_name, error) ||
      !parse_string(parser, &entry->tablespace, error))
    return FALSE;
  if (parser->version_minor >= TOC_VERSION_TABLE_AM && !parse_string(parser, &entry->table_am, error))
    return FALSE;
  if (parser->version_minor >= TOC_VERSION_RELKIND &&
      !wire_read_int_in(parser->source, 0, G_MAXINT8, "relkind", &relkind, error))
    return FALSE;
  entry->relkind = (char)relkind;
  return parse_string(parser, &entry->owner, error) && parse_with_oids(parser, entry, error);
}

static gboolean
parse_entry(TocParser *parser, TocEntry *entry, GError **error)
{
  if (!parse_identity(parser, entry, error) || !parse_definition(parser, entry, error) ||
      !parse_dependencies(parser, entry, error) ||
      !wire_read_offset(parser->source, &entry->offset_state, &entry->offset, error))
    return FALSE;
  /* pg_dump derives both from the same fact. */
  if (entry->had_dumper != (entry->offset_state != OFFSET_NO_DATA)) {
    error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "%s %s (dump ID %d) both has and has not data", entry->desc, entry->tag,
              entry->dump_id);
    return FALSE;
  }
  return TRUE;
}

/* The size of an entry in the file if all its strings are NULL. */
static gsize
min_entry_bytes(const ArchiveHeader *header)
{
  gsize numbers = 15; /* three integers, eleven strings, the end of the dependencies */
  if (header->version_minor >= TOC_VERSION_TABLE_AM)
    numbers++;
  if (header->version_minor >= TOC_VERSION_RELKIND)
    numbers++;
  return numbers * (1u + header->int_size) + 1u + header->offset_size;
}

gboolean
toc_parse_count(WireSource *source, const ArchiveHeader *header, guint *ret_n_entries, GError **error)
{
  int n_entries;
  if (!wire_read_int_in(source, 0, ARCHIVE_MAX_ENTRIES, "number of TOC entries", &n_entries, error))
    return FALSE;
  if ((guint64)n_entries > wire_source_remaining(source) / min_entry_bytes(header)) {
    error_set_explained(error, CCH_ERROR_ARCHIVE_CORRUPT, TEXT_ARCHIVE_CUT_IN_TOC,
                        "%d TOC entries are more than the file can hold, which has %" G_GUINT64_FORMAT " bytes",
                        n_entries, wire_source_size(source));
    return FALSE;
  }
  *ret_n_entries = (guint)n_entries;
  return TRUE;
}

GArray *
toc_entries_new(void)
{
  GArray *entries = g_array_new(FALSE, TRUE, sizeof(TocEntry));
  g_array_set_clear_func(entries, (GDestroyNotify)toc_entry_clear);
  return entries;
}

gboolean
toc_parse_into(GArray *entries, guint n_entries, WireSource *source, const ArchiveHeader *header, GError **error)
{
  TocParser parser = {source, header->version_minor, ARCHIVE_MAX_TOC_BYTES};
  for (guint i = 0; i < n_entries; i++) {
    g_array_set_size(entries, i + 1);
    if (!parse_entry(&parser, &g_array_index(entries, TocEntry, i), error)) {
      g_array_set_size(entries, i);
      g_prefix_error(error, "TOC entry %u of %u: ", i + 1, n_entries);
      return FALSE;
    }
  }
  return TRUE;
}

GArray *
toc_parse_entries(WireSource *source, const ArchiveHeader *header, GError **error)
{
  guint n_entries;
  g_autoptr(GArray) entries = toc_entries_new();
  wire_source_set_end_text(source, TEXT_ARCHIVE_CUT_IN_TOC);
  if (!toc_parse_count(source, header, &n_entries, error) || !toc_parse_into(entries, n_entries, source, header, error))
    return NULL;
  wire_source_set_end_text(source, TEXT_ARCHIVE_CUT);
  return g_steal_pointer(&entries);
}
