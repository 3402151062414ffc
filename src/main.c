#include "base/error.h"

int
main(void)
{
  return error_info_of(CCH_ERROR_USAGE)->exit_code;
}
