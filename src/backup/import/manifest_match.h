/* Compares an archive with its manifest. What differs is MANIFEST_MISMATCH, which names it. */
#pragma once

#include "archive/read/reader.h"
#include "backup/load/load.h"
#include "backup/manifest/manifest.h"

/* Size and SHA-256 of the file. A manifest without a checksum is matched by the size alone. */
gboolean manifest_match_file(const Manifest *manifest, int fd, GCancellable *cancellable, GError **error);

/* The same tables with the same rows; `totals` is archive_survey's. */
gboolean manifest_match_tables(const Manifest *manifest, const ArchiveReader *reader, const RowTotals *totals,
                               GError **error);

/* The same for what was loaded, which was hashed; tables that were left out are not compared, but have to be in both.
 */
gboolean manifest_match_loaded(const Manifest *manifest, const ArchiveReader *reader, const LoadResult *result,
                               GError **error);

/* The manifest's line for a TOC entry, or NULL. */
const ManifestTable *manifest_find_entry(const Manifest *manifest, const TocEntry *entry);
