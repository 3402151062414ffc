#include "base/random_id.h"

#include <sodium.h>

char *
random_id_new(gsize n_bytes)
{
  g_autofree guint8 *bytes = g_malloc(n_bytes);
  char *id = g_malloc(2 * n_bytes + 1);
  randombytes_buf(bytes, n_bytes);
  return sodium_bin2hex(id, 2 * n_bytes + 1, bytes, n_bytes);
}
