#include "upload/temp_file.h"

#include "archive/detect/unwrap.h"

#include <unistd.h>

enum { MAGIC_BYTES = 4 };

static gboolean
write_to_file(const guint8 *data, gsize size, gpointer file, GError **error)
{
  return temp_file_write(file, data, size, error);
}

gboolean
temp_file_unpack(int fd, const char *directory, guint64 max_bytes, GCancellable *cancellable, TempFile **ret_file,
                 GError **error)
{
  guint8 magic[MAGIC_BYTES];
  *ret_file = NULL;
  /* An unreadable or shorter file is reported when it is opened as an archive. */
  if (pread(fd, magic, MAGIC_BYTES, 0) != MAGIC_BYTES || !unwrap_is_plausible(magic, MAGIC_BYTES))
    return TRUE;
  g_autoptr(TempFile) file = temp_file_create(directory, "unpack", error);
  if (file == NULL || !unwrap_file(fd, UNWRAP_WHOLE, max_bytes, write_to_file, file, cancellable, error))
    return FALSE;
  *ret_file = g_steal_pointer(&file);
  return TRUE;
}
