/* Parses COPY text as pg_dump stores it: one line per row, then the line `\.` and empty lines.
 *
 * pg_dump writes "\\.\n\n\n". Within a row a backslash is never followed by a period, so a line that begins with
 * `\.` can only be the end marker. A missing marker, or anything but empty lines after it, is ARCHIVE_CORRUPT (a
 * server would silently ignore the rows after it). */
#pragma once

#include "archive/read/reader.h"

typedef struct {
  guint64 rows; /* so far */
  enum {
    COPY_TEXT_LINE_START,
    COPY_TEXT_IN_LINE,
    COPY_TEXT_BACKSLASH, /* a backslash at a line's start, held back */
    COPY_TEXT_MARKER,    /* `\.` at a line's start */
    COPY_TEXT_TRAILER    /* after the marker's line */
  } state;
} CopyText;

#define COPY_TEXT_INIT                                                                                                 \
  {                                                                                                                    \
    0, COPY_TEXT_LINE_START                                                                                            \
  }

/* Counts the rows of the next piece and passes them on to the sink, without the end marker. The sink may be NULL. */
gboolean copy_text_push(CopyText *text, const guint8 *data, gsize size, ArchiveSinkFunc sink, gpointer user_data,
                        GError **error);

/* Called at the end of the data: ARCHIVE_CORRUPT if the end marker is missing. */
gboolean copy_text_finish(const CopyText *text, GError **error);
