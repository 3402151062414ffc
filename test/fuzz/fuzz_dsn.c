/* Connection strings: nothing crashes, libpq accepts every accepted result, and an address that libpq also accepts has
 * the same meaning for both. */
#include "pg/dsn/dsn.h"
#include "pg/dsn/dsn_rewrite.h"

#include <libpq-fe.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
value_of(const PQconninfoOption *options, const char *keyword)
{
  for (; options->keyword != NULL; options++)
    if (strcmp(options->keyword, keyword) == 0)
      return options->val != NULL && *options->val != '\0' ? options->val : NULL;
  return NULL;
}

static void
compare(const PQconninfoOption *ours, const PQconninfoOption *theirs)
{
  static const char *const keywords[] = {"host", "port", "user", "password"};
  for (gsize i = 0; i < G_N_ELEMENTS(keywords); i++)
    if (g_strcmp0(value_of(ours, keywords[i]), value_of(theirs, keywords[i])) != 0)
      g_error("%s: not as libpq reads it", keywords[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree char *dsn = g_strndup((const char *)data, size);
  g_auto(DsnRewrite) rewrite = {0};
  g_autoptr(GError) error = NULL;
  if (!dsn_rewrite(dsn, &rewrite, &error)) {
    if (error == NULL)
      g_error("refused without a reason");
    return 0;
  }
  PQconninfoOption *ours = PQconninfoParse(rewrite.conninfo, NULL);
  if (ours == NULL)
    g_error("libpq refuses what was written for it");
  gboolean is_plain_address = g_str_has_prefix(dsn, "postgresql://") && strpbrk(dsn, " \t\r\n\f\v?") == NULL;
  PQconninfoOption *theirs = is_plain_address ? PQconninfoParse(dsn, NULL) : NULL;
  if (theirs != NULL)
    compare(ours, theirs);
  PQconninfoFree(theirs);
  PQconninfoFree(ours);
  return 0;
}
