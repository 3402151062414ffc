/* Follows COPY text as pg_dump stores it: one line a row, then the line `\.` and empty lines.
 *
 * pg_dump writes "\\.\n\n\n". Within a row a backslash is never followed by a period, so a line that begins with `\.`
 * can only be the end: anything but empty lines after it, or its absence, is ARCHIVE_CORRUPT (a server would silently
 * ignore the rows that follow). */
#pragma once

#include "archive/read/reader.h"

typedef struct {
  guint64 rows; /* so far */
  enum {
    COPY_TEXT_LINE_START,
    COPY_TEXT_IN_LINE,
    COPY_TEXT_BACKSLASH, /* one at a line's start, held back */
    COPY_TEXT_MARKER,    /* `\.` at a line's start */
    COPY_TEXT_TRAILER    /* behind the marker's line */
  } state;
} CopyText;

#define COPY_TEXT_INIT                                                                                                 \
  {                                                                                                                    \
    0, COPY_TEXT_LINE_START                                                                                            \
  }

/* Counts the rows of the next piece and passes the rows, without the end marker, to the sink (NULL: nowhere). */
gboolean copy_text_push(CopyText *text, const guint8 *data, gsize size, ArchiveSinkFunc sink, gpointer user_data,
                        GError **error);

/* To be called at the end of the data: ARCHIVE_CORRUPT where the end marker is missing. */
gboolean copy_text_finish(const CopyText *text, GError **error);
