/* Prints docs/configuration.md (ninja -C build docs). */
#include "config/config.h"

#include <stdio.h>

int
main(void)
{
  g_autofree char *page = config_markdown();
  return fputs(page, stdout) < 0 || fflush(stdout) != 0;
}
