/* Files that are not archives, and wrapped archives: any bytes are recognized or unpacked within the limit. */
#include "archive/detect/foreign.h"
#include "archive/detect/unwrap.h"
#include "base/error.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_OUT_BYTES = 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gboolean
count(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  (void)data;
  (void)error;
  gsize *total = user_data;
  *total += size;
  return TRUE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  if (fd < 0 || write(fd, data, size) != (gssize)size)
    abort();
  for (UnwrapExtent extent = UNWRAP_WHOLE; extent <= UNWRAP_BEGINNING; extent++) {
    g_autoptr(GError) error = NULL;
    gsize total = 0;
    gboolean ok = unwrap_file(fd, extent, MAX_OUT_BYTES, count, &total, NULL, &error);
    if (ok != (error == NULL) || total > MAX_OUT_BYTES)
      abort();
  }
  GError *damage = NULL;
  g_autoptr(GError) named = NULL, explained = NULL;
  foreign_set_error(data, MIN(size, FOREIGN_HEAD_BYTES), size, &named);
  error_set(&damage, CCH_ERROR_ARCHIVE_CORRUPT, "damaged");
  foreign_explain(fd, damage, &explained);
  if (named == NULL || explained == NULL)
    abort();
  close(fd);
  return 0;
}
