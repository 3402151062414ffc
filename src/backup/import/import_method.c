#include "backup/import/import.h"

#include <string.h>

const char *
backup_method_name(BackupMethod method)
{
  static const char *const names[] = {"auto", "swap", "transaction"};
  return names[method];
}

gboolean
backup_method_parse(const char *name, BackupMethod *ret_method)
{
  for (BackupMethod method = BACKUP_METHOD_AUTO; method <= BACKUP_METHOD_TRANSACTION; method++) {
    if (strcmp(name, backup_method_name(method)) == 0) {
      *ret_method = method;
      return TRUE;
    }
  }
  return FALSE;
}
