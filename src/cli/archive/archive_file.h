/* An archive named on the command line. */
#pragma once

#include "archive/read/reader.h"
#include "archive/rows/row_hash.h"
#include "backup/manifest/manifest.h"
#include "cli/command/command.h"
#include "upload/temp_file.h"

typedef struct {
  int fd;             /* of the archive itself */
  TempFile *spooled;  /* standard input, in TEMP_DIR */
  TempFile *unpacked; /* the archive unpacked from gzip, zstd or ZIP, in TEMP_DIR */
  ArchiveReader *reader;
} ArchiveFile;

/* "-" is standard input. */
gboolean archive_file_open(const CliContext *context, const char *path, ArchiveFile *ret_file, GError **error);
void archive_file_clear(ArchiveFile *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ArchiveFile, archive_file_clear)

/* Loads the manifest at `manifest_path`; if that is NULL, the one beside the archive, and *ret_manifest is NULL if
 * there is none. */
gboolean archive_file_manifest(const char *path, const char *manifest_path, Manifest **ret_manifest, GError **error);

/* Scans and surveys the archive with a progress bar; returns one RowTotals per entry; free with g_free. */
RowTotals *archive_file_survey(ArchiveFile *file, GCancellable *cancellable, GError **error);

/* Bytes of an entry's data after a survey: of COPY text without its end marker, or of all other data. */
guint64 archive_file_bytes(const ArchiveFile *file, const TocEntry *entry, const RowTotals *totals);
