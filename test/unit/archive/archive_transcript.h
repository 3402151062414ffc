/* Everything that a reader returns for an archive, as text, to compare it and to touch every byte. */
#pragma once

#include "archive/read/reader.h"

/* Header and TOC, then all data by entry. Opens, checks and reads the descriptor's archive. */
typedef struct {
  GString *toc;
  GString *data;
} ArchiveTranscript;

ArchiveTranscript *archive_transcript_new(int fd, GError **error);
void archive_transcript_free(ArchiveTranscript *transcript);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveTranscript, archive_transcript_free)

/* Appends an entry's data; before that of a large object, "{oid}". */
gboolean archive_transcript_append_data(ArchiveReader *reader, const TocEntry *entry, GString *out, GError **error);
