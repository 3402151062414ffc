#include "schedule/catalog/rows.h"

#include "base/error.h"
#include "pg/connection/sqlstate.h"

NumberText
number_text(gint64 number)
{
  NumberText text;
  g_snprintf(text.text, sizeof text.text, "%" G_GINT64_FORMAT, number);
  return text;
}

gboolean
found_row(const PgResult *result, const char *what, GError **error)
{
  if (result != NULL && pg_result_affected(result) > 0)
    return TRUE;
  if (result != NULL)
    error_set(error, CCH_ERROR_NOT_FOUND, "there is no such %s", what);
  return FALSE;
}

void
explain_taken(const char *name, GError *failure, GError **error)
{
  if (error_has_sqlstate(failure, SQLSTATE_UNIQUE_VIOLATION)) {
    error_set(error, CCH_ERROR_BACKUP_NAME_TAKEN, "\"%s\"", name);
    g_error_free(failure);
    return;
  }
  g_propagate_error(error, failure);
}
