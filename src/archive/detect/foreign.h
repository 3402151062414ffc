/* Names a file that was taken for an archive in custom format and is something else, and says what to do with it.
 *
 * Only the file's beginning is looked at. The signatures are those of the programs that write such files (file(1) knows
 * most of them); the sentences are the texts FOREIGN_… of texts.def. */
#pragma once

#include "base/text.h"

#include <glib.h>

/* As much of a file's beginning as is worth handing over. */
#define FOREIGN_HEAD_BYTES (64 * 1024)

/* Sets ARCHIVE_FORMAT, or ARCHIVE_CORRUPT where an archive was damaged on its way, with the sentence for what the file
 * is. `size` is the whole file's, G_MAXUINT64 where it is not known. */
void foreign_set_error(const guint8 *head, gsize n_bytes, guint64 size, GError **error);

/* What the file is: the sentence FOREIGN_…; FOREIGN_UNKNOWN where nothing fits. */
TextId foreign_identify(const guint8 *head, gsize n_bytes);

/* The same as foreign_set_error, by the beginning of the file or directory behind fd. */
void foreign_set_error_of_file(int fd, GError **error);

/* Takes a failure of opening the archive behind fd and passes it on. ARCHIVE_FORMAT becomes what the file is; where the
 * bytes of a damaged archive show that text was made of it on its way (CRLF line ends, UTF-8), the sentence says so. */
void foreign_explain(int fd, GError *failure, GError **error);
