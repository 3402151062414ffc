#include "base/error.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
  if (argc > 1 && strcmp(argv[1], "serve") == 0)
    return cli_serve(argc - 1, argv + 1);
  fprintf(stderr, "Usage: cch-data serve [OPTION...]\n");
  return error_info_of(CCH_ERROR_USAGE)->exit_code;
}
