#include "archive/detect/prefix.h"

#include "archive/detect/foreign.h"
#include "archive/toc/toc_parse.h"
#include "base/error.h"

#include <errno.h>
#include <unistd.h>

void
archive_prefix_clear(ArchivePrefix *prefix)
{
  archive_header_clear(&prefix->header);
  g_clear_pointer(&prefix->entries, g_array_unref);
}

/* FALSE with an error also at the end of the bytes; what was read before stays. */
static gboolean
read_all(ArchivePrefix *prefix, WireSource *source, GError **error)
{
  if (!toc_parse_header(source, &prefix->header, error))
    return FALSE;
  prefix->has_header = TRUE;
  if (!toc_parse_count(source, &prefix->header, &prefix->n_entries, error) ||
      !toc_parse_into(prefix->entries, prefix->n_entries, source, &prefix->header, error))
    return FALSE;
  prefix->is_complete = TRUE;
  return TRUE;
}

/* Checks the magic even if the file is too short to parse. */
static gboolean
check_magic(int fd, GError **error)
{
  guint8 bytes[16];
  gssize n = pread(fd, bytes, sizeof bytes, 0);
  if (n < 0) {
    error_set_errno(error, errno, "read the archive");
    return FALSE;
  }
  if (archive_magic_plausible(bytes, (gsize)n))
    return TRUE;
  foreign_set_error_of_file(fd, error);
  return FALSE;
}

gboolean
archive_prefix_read(int fd, guint64 size, ArchivePrefix *ret_prefix, GError **error)
{
  if (!check_magic(fd, error))
    return FALSE;
  g_autoptr(WireSource) source = wire_source_new_prefix(fd, size);
  g_auto(ArchivePrefix) prefix = {.entries = toc_entries_new()};
  g_autoptr(GError) failure = NULL;
  if (!read_all(&prefix, source, &failure) && !wire_source_ran_out(source)) {
    foreign_explain(fd, g_steal_pointer(&failure), error);
    return FALSE;
  }
  prefix.bytes_read = wire_source_position(source);
  *ret_prefix = prefix;
  prefix = (ArchivePrefix){0};
  return TRUE;
}
