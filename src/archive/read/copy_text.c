#include "archive/read/copy_text.h"

#include "base/error.h"

#include <string.h>

/* The compiler turns these into the machine's vectors. */
#define LANES 16
typedef guint8 Lanes __attribute__((vector_size(LANES)));
typedef guint64 Words __attribute__((vector_size(LANES)));

/* The maximum in a lane of the newline counter. */
#define MAX_STEPS 255

static Lanes
load(const guint8 *bytes)
{
  Lanes lanes;
  memcpy(&lanes, bytes, LANES);
  return lanes;
}

/* Reads `steps` times LANES bytes and two more. Counts their newlines; FALSE if an end marker is among them. */
static gboolean
count_lines(const guint8 *data, gsize steps, guint64 *lines)
{
  Lanes counts = {0};
  Lanes markers = {0};
  for (gsize i = 0; i < steps; i++) {
    const guint8 *at = data + i * LANES;
    Lanes newlines = (Lanes)(load(at) == '\n');
    counts -= newlines; /* a hit is 255, that is, -1 */
    markers |= newlines & (Lanes)(load(at + 1) == '\\') & (Lanes)(load(at + 2) == '.');
  }
  Words found = (Words)markers;
  if ((found[0] | found[1]) != 0)
    return FALSE;
  for (gsize lane = 0; lane < LANES; lane++)
    *lines += counts[lane];
  return TRUE;
}

/* Counts newlines up to and including the first one that is followed by `\.`, and returns the position after it.
 * Without one, counts all of them and returns `size`. */
static gsize
scan(const guint8 *data, gsize size, guint64 *lines)
{
  gsize at = 0;
  while (size - at >= LANES + 2) {
    gsize steps = MIN((size - at - 2) / LANES, MAX_STEPS);
    if (!count_lines(data + at, steps, lines))
      break;
    at += steps * LANES;
  }
  for (; at < size; at++) {
    if (data[at] != '\n')
      continue;
    *lines += 1;
    if (size - at > 2 && data[at + 1] == '\\' && data[at + 2] == '.')
      return at + 1;
  }
  return size;
}

static gboolean
emit(const guint8 *data, gsize size, ArchiveSinkFunc sink, gpointer user_data, GError **error)
{
  return size == 0 || sink == NULL || sink(data, size, user_data, error);
}

static gboolean
check_trailer(CopyText *text, const guint8 *data, gsize size, GError **error)
{
  for (gsize i = 0; i < size; i++) {
    if (data[i] != '\n') {
      error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "data follows the end marker");
      return FALSE;
    }
    text->state = COPY_TEXT_TRAILER;
  }
  return TRUE;
}

/* Rows from `data` on, which is at the beginning of a line or within one. */
static gboolean
push_rows(CopyText *text, const guint8 *data, gsize size, ArchiveSinkFunc sink, gpointer user_data, GError **error)
{
  gsize rows_end = 0;
  gboolean is_at_marker = text->state == COPY_TEXT_LINE_START && size > 1 && data[0] == '\\' && data[1] == '.';
  if (!is_at_marker) {
    rows_end = scan(data, size, &text->rows);
    is_at_marker = rows_end < size;
  }
  if (is_at_marker) {
    text->state = COPY_TEXT_MARKER;
    return emit(data, rows_end, sink, user_data, error) &&
           check_trailer(text, data + rows_end + 2, size - rows_end - 2, error);
  }

  gboolean is_line_start = size > 1 ? data[size - 2] == '\n' : text->state == COPY_TEXT_LINE_START;
  if (data[size - 1] == '\\' && is_line_start) {
    text->state = COPY_TEXT_BACKSLASH;
    return emit(data, size - 1, sink, user_data, error);
  }
  text->state = data[size - 1] == '\n' ? COPY_TEXT_LINE_START : COPY_TEXT_IN_LINE;
  return emit(data, size, sink, user_data, error);
}

gboolean
copy_text_push(CopyText *text, const guint8 *data, gsize size, ArchiveSinkFunc sink, gpointer user_data, GError **error)
{
  if (size == 0)
    return TRUE;
  if (text->state == COPY_TEXT_MARKER || text->state == COPY_TEXT_TRAILER)
    return check_trailer(text, data, size, error);
  if (text->state == COPY_TEXT_BACKSLASH) {
    if (data[0] == '.') {
      text->state = COPY_TEXT_MARKER;
      return check_trailer(text, data + 1, size - 1, error);
    }
    text->state = COPY_TEXT_IN_LINE;
    if (!emit((const guint8 *)"\\", 1, sink, user_data, error))
      return FALSE;
  }
  return push_rows(text, data, size, sink, user_data, error);
}

gboolean
copy_text_finish(const CopyText *text, GError **error)
{
  if (text->state == COPY_TEXT_TRAILER)
    return TRUE;
  error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "the end marker is missing: the data is incomplete");
  return FALSE;
}
