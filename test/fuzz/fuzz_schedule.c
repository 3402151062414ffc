/* What scheduled backups read from others: the first byte chooses a cron expression, a manifest that lies at a
 * destination, or the settings of a job; the rest is its text. */
#include "backup/manifest/manifest.h"
#include "base/error.h"
#include "base/json.h"
#include "schedule/catalog/job.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Due times increase. */
static void
try_cron(const char *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Cron) cron = cron_parse(text, "Europe/Berlin", &error);
  if ((cron == NULL) != (error != NULL))
    abort();
  gint64 time_s = 1774742400; /* the day before a clock change */
  for (guint i = 0; cron != NULL && i < 5; i++) {
    gint64 next_s = cron_next(cron, time_s);
    if (next_s >= 0 && next_s <= time_s)
      abort();
    time_s = next_s >= 0 ? next_s : time_s;
  }
}

/* What is written is read back as it was. */
static void
try_manifest(const char *text, gsize size)
{
  g_autoptr(Manifest) manifest = manifest_from_json(text, size, NULL);
  if (manifest == NULL)
    return;
  g_autofree char *written = manifest_to_json(manifest);
  g_autoptr(Manifest) again = manifest_from_json(written, strlen(written), NULL);
  g_autofree char *twice = again != NULL ? manifest_to_json(again) : NULL;
  if (g_strcmp0(written, twice) != 0)
    abort();
}

static void
try_settings(const char *text, gsize size)
{
  g_autoptr(json_t) object = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
  g_autoptr(JobSettings) settings = object != NULL ? job_settings_parse(object, NULL) : NULL;
  if (settings == NULL)
    return;
  g_autoptr(json_t) written = job_settings_to_json(settings);
  g_autoptr(JobSettings) again = job_settings_parse(written, NULL);
  g_autoptr(json_t) twice = again != NULL ? job_settings_to_json(again) : NULL;
  if (twice == NULL || !json_equal(written, twice))
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
    try_cron(text);
    break;
  case 1:
    try_manifest((const char *)data + 1, size - 1);
    break;
  default:
    try_settings((const char *)data + 1, size - 1);
  }
  return 0;
}
