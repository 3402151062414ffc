/* Compares an archive with its manifest. MANIFEST_MISMATCH names the differences. */
#pragma once

#include "archive/read/reader.h"
#include "backup/load/load.h"
#include "backup/manifest/manifest.h"

/* Compares size and SHA-256 of the file; the size alone if the manifest has no checksum. */
gboolean manifest_match_file(const Manifest *manifest, int fd, GCancellable *cancellable, GError **error);

/* Compares tables and rows; `totals` comes from archive_survey. */
gboolean manifest_match_tables(const Manifest *manifest, const ArchiveReader *reader, const RowTotals *totals,
                               GError **error);

/* Compares tables and rows after a load that hashed them. Tables that were left out are not compared, but must be in
 * both.
 */
gboolean manifest_match_loaded(const Manifest *manifest, const ArchiveReader *reader, const LoadResult *result,
                               GError **error);

/* The manifest's entry for a TOC entry, or NULL. */
const ManifestTable *manifest_find_entry(const Manifest *manifest, const TocEntry *entry);
