#include "backup/import/manifest_match.h"

#include "backup/plan/entry_sql.h"
#include "base/error.h"
#include "base/sha256.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_TOLD = 5 };

gboolean
manifest_match_file(const Manifest *manifest, int fd, GCancellable *cancellable, GError **error)
{
  struct stat status;
  if (fstat(fd, &status) != 0) {
    error_set_errno(error, errno, "stat the archive");
    return FALSE;
  }
  if ((guint64)status.st_size != manifest->archive_bytes) {
    error_set(error, CCH_ERROR_MANIFEST_MISMATCH,
              "the archive has %" G_GUINT64_FORMAT " bytes, its manifest says %" G_GUINT64_FORMAT,
              (guint64)status.st_size, manifest->archive_bytes);
    return FALSE;
  }
  char sha256[SHA256_TEXT_BYTES];
  if (manifest->archive_sha256 == NULL)
    return TRUE;
  if (!sha256_of_file(fd, cancellable, sha256, error))
    return FALSE;
  if (strcmp(sha256, manifest->archive_sha256) != 0) {
    error_set(error, CCH_ERROR_MANIFEST_MISMATCH, "the archive's SHA-256 is %s, its manifest says %s", sha256,
              manifest->archive_sha256);
    return FALSE;
  }
  return TRUE;
}

const ManifestTable *
manifest_find_entry(const Manifest *manifest, const TocEntry *entry)
{
  g_autofree char *schema = entry->namespace_name != NULL ? g_utf8_make_valid(entry->namespace_name, -1) : NULL;
  g_autofree char *name = g_utf8_make_valid(entry->tag, -1);
  return manifest_find(manifest, schema, name);
}

/* The differences, as a sentence for each table. */
typedef struct {
  GString *text;
  guint n;
} Differences;

static void
add_difference(Differences *differences, char *sentence)
{
  if (differences->n++ < MAX_TOLD)
    g_string_append_printf(differences->text, "%s%s", differences->n > 1 ? "; " : "", sentence);
  g_free(sentence);
}

static void
match_entry(const Manifest *manifest, const TocEntry *entry, const RowTotals *found, Differences *differences)
{
  const ManifestTable *table = manifest_find_entry(manifest, entry);
  g_autofree char *name = entry_display_name(entry);
  if (table == NULL) {
    add_difference(differences, g_strdup_printf("%s is in the archive, but not in its manifest", name));
    return;
  }
  const RowTotals *stated = &table->totals;
  if (row_totals_equal(found, stated))
    return;
  if (found->rows != stated->rows || found->bytes != stated->bytes)
    add_difference(differences, g_strdup_printf("%s has %" G_GUINT64_FORMAT " rows in %" G_GUINT64_FORMAT
                                                " bytes, its manifest says %" G_GUINT64_FORMAT " in %" G_GUINT64_FORMAT,
                                                name, found->rows, found->bytes, stated->rows, stated->bytes));
  else
    add_difference(differences, g_strdup_printf("%s has other rows than its manifest says", name));
}

static void
match_count(const Manifest *manifest, const ArchiveReader *reader, Differences *differences)
{
  guint n_tables = 0;
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    n_tables += toc_entry_is(entry, TOC_KIND_TABLE_DATA) && entry->had_dumper;
  }
  if (n_tables != manifest->tables->len)
    add_difference(differences,
                   g_strdup_printf("the archive has %u tables, its manifest says %u", n_tables, manifest->tables->len));
}

/* Takes ownership of the text. */
static gboolean
conclude_match(Differences *differences, GError **error)
{
  g_autofree char *text = g_string_free(differences->text, FALSE);
  if (differences->n == 0)
    return TRUE;
  error_set(error, CCH_ERROR_MANIFEST_MISMATCH, "%s%s", text, differences->n > MAX_TOLD ? "; …" : "");
  return FALSE;
}

gboolean
manifest_match_tables(const Manifest *manifest, const ArchiveReader *reader, const RowTotals *totals, GError **error)
{
  Differences differences = {.text = g_string_new(NULL)};
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    const TocEntry *entry = archive_reader_entry(reader, i);
    if (toc_entry_is(entry, TOC_KIND_TABLE_DATA) && entry->had_dumper)
      match_entry(manifest, entry, &totals[i], &differences);
  }
  match_count(manifest, reader, &differences);
  return conclude_match(&differences, error);
}

gboolean
manifest_match_loaded(const Manifest *manifest, const ArchiveReader *reader, const LoadResult *result, GError **error)
{
  Differences differences = {.text = g_string_new(NULL)};
  for (guint i = 0; i < result->tables->len; i++) {
    const LoadedTable *table = &g_array_index(result->tables, LoadedTable, i);
    match_entry(manifest, table->entry, &table->totals, &differences);
  }
  match_count(manifest, reader, &differences);
  return conclude_match(&differences, error);
}
