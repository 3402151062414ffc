/* An archive named on the command line. */
#pragma once

#include "archive/reader.h"

typedef struct {
  int fd;
  ArchiveReader *reader;
} ArchiveFile;

gboolean archive_file_open(const char *path, ArchiveFile *ret_file, GError **error);
void archive_file_clear(ArchiveFile *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ArchiveFile, archive_file_clear)
