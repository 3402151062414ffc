/* Identifies a file that is not an archive in custom format, and says what to do with it.
 *
 * Only the beginning of the file is examined. The signatures are those of the programs that write such files
 * (file(1) knows most of them). The sentences are the texts FOREIGN_… of texts.def. */
#pragma once

#include "base/text.h"

#include <glib.h>

/* As much of a file's beginning as is useful. */
#define FOREIGN_HEAD_BYTES (64 * 1024)

/* Sets ARCHIVE_FORMAT, or ARCHIVE_CORRUPT for an archive that was damaged in transfer, with the sentence for this
 * kind of file. `size` is the size of the whole file; G_MAXUINT64: unknown. */
void foreign_set_error(const guint8 *head, gsize n_bytes, guint64 size, GError **error);

/* The sentence FOREIGN_… for the file; FOREIGN_UNKNOWN if nothing matches. */
TextId foreign_identify(const guint8 *head, gsize n_bytes);

/* foreign_set_error for the file or directory behind fd. */
void foreign_set_error_of_file(int fd, GError **error);

/* Passes on a failure to open the archive behind fd, and takes ownership of it. ARCHIVE_FORMAT becomes the sentence
 * for the kind of file. If the bytes show that a text conversion damaged the archive (CRLF line ends, UTF-8), the
 * sentence says so. */
void foreign_explain(int fd, GError *failure, GError **error);
