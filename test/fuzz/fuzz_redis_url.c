/* Redis URLs: nothing crashes, and every refusal has a reason. */
#include "redis/redis_url.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup((const char *)data, size);
  g_auto(RedisUrl) url = {0};
  g_autoptr(GError) error = NULL;
  gboolean is_good = redis_url_parse(text, &url, &error);
  if (is_good == (error != NULL))
    g_error("neither accepted nor refused");
  if (is_good && (url.address.host != NULL) + (url.socket_path != NULL) + (url.sentinels != NULL) != 1)
    g_error("not one kind of address");
  return 0;
}
