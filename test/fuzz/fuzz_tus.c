/* The headers of resumable uploads: the first byte chooses the header, the rest is its value. */
#include "base/error.h"
#include "upload/tus.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_metadata(const char *text)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *name = tus_parse_file_name(text, &error);
  if (name != NULL && (error != NULL || !g_utf8_validate(name, -1, NULL) || strlen(name) > TUS_MAX_FILE_NAME))
    abort();
}

static void
try_checksum(const char *text)
{
  TusChecksum checksum;
  if (tus_parse_checksum(text, &checksum, NULL) && (gssize)checksum.size != g_checksum_type_get_length(checksum.type))
    abort();
}

static void
try_count(const char *text)
{
  guint64 count;
  if (tus_parse_count("Upload-Length", text, &count, NULL) && count > G_MAXINT64)
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
  switch (data[0] % 3) {
  case 0:
    try_metadata(text);
    break;
  case 1:
    try_checksum(text);
    break;
  default:
    try_count(text);
  }
  return 0;
}
