/* Everything that a reader returns for an archive, as text, to compare it and to touch every byte. */
#pragma once

#include <glib.h>

/* Header and TOC, then all data by entry. Opens, checks and reads the descriptor's archive. */
typedef struct {
  GString *toc;
  GString *data;
} ArchiveTranscript;

ArchiveTranscript *archive_transcript_new(int fd, GError **error);
void archive_transcript_free(ArchiveTranscript *transcript);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveTranscript, archive_transcript_free)
