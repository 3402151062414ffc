#include "backup/restore/verdict.h"

#include "base/error.h"
#include "pg/connection/sqlstate.h"

#include <string.h>

/* The SQLSTATEs for "already exists", by kind of object. */
static gboolean
says_exists(const char *sqlstate)
{
  static const char *const states[] = {
      SQLSTATE_DUPLICATE_TABLE,  SQLSTATE_DUPLICATE_OBJECT, SQLSTATE_DUPLICATE_FUNCTION,
      SQLSTATE_DUPLICATE_SCHEMA, SQLSTATE_DUPLICATE_COLUMN,
  };
  for (gsize i = 0; i < G_N_ELEMENTS(states); i++)
    if (strcmp(sqlstate, states[i]) == 0)
      return TRUE;
  return FALSE;
}

/* undefined_object stands for any missing object. The C function that raised it shows that the object is a role
 * (PostgreSQL 12 to 18, src/backend/utils/adt/acl.c). Unlike the message, its name is not translated. */
static gboolean
says_role_missing(const char *sqlstate, const char *source_function)
{
  return strcmp(sqlstate, SQLSTATE_UNDEFINED_OBJECT) == 0 &&
         (strcmp(source_function, "get_role_oid") == 0 || strcmp(source_function, "get_rolespec_tuple") == 0);
}

/* A privilege that the server does not know (MAINTAIN before 17) is a syntax error. An object that does not exist was
 * left out before. */
static gboolean
says_not_allowed(const char *sqlstate, TocKind kind)
{
  if (kind == TOC_KIND_NONE || !toc_kind_has(kind, TOC_DISPENSABLE))
    return FALSE;
  const char *second = toc_kind_has(kind, TOC_ACCESS) ? SQLSTATE_SYNTAX_ERROR : SQLSTATE_UNDEFINED_OBJECT;
  return strcmp(sqlstate, SQLSTATE_INSUFFICIENT_PRIVILEGE) == 0 || strcmp(sqlstate, second) == 0;
}

/* Among rows, a duplicate key means that the row exists; in the catalog, that the object does. But while an object
 * is built over the rows, it means that the rows contradict the object, which would be lost if we went on. */
static Verdict
verdict_of_duplicate(TocKind kind)
{
  if (kind == TOC_KIND_NONE || kind == TOC_KIND_TABLE_DATA)
    return VERDICT_DUPLICATE_KEY;
  gboolean is_over_rows = toc_kind_has(kind, TOC_OVER_ROWS);
  return is_over_rows ? VERDICT_FATAL : VERDICT_EXISTS;
}

Verdict
verdict_of(const GError *error, TocKind kind, gboolean keeps_present)
{
  const char *sqlstate = error_sqlstate(error);
  if (says_exists(sqlstate))
    return VERDICT_EXISTS;
  /* invalid_table_definition means "multiple primary keys" only when a constraint is added. */
  if (strcmp(sqlstate, SQLSTATE_INVALID_TABLE_DEFINITION) == 0 && kind == TOC_KIND_CONSTRAINT)
    return VERDICT_EXISTS;
  if (strcmp(sqlstate, SQLSTATE_UNIQUE_VIOLATION) == 0)
    return verdict_of_duplicate(kind);
  if (says_role_missing(sqlstate, error_source_function(error)))
    return VERDICT_ROLE_MISSING;
  if (strcmp(sqlstate, SQLSTATE_UNDEFINED_COLUMN) == 0 && keeps_present && kind != TOC_KIND_TABLE &&
      kind != TOC_KIND_TABLE_DATA)
    return VERDICT_COLUMN_MISSING;
  if (says_not_allowed(sqlstate, kind))
    return VERDICT_NOT_ALLOWED;
  switch (error_code(error)) {
  case CCH_ERROR_DATABASE_LOCK_TIMEOUT:
    return VERDICT_LOCK_WAIT;
  case CCH_ERROR_DATABASE_CONFLICT:
    return VERDICT_RESTART;
  default:
    return VERDICT_FATAL;
  }
}

gboolean
verdict_is_ignorable(Verdict verdict)
{
  return verdict == VERDICT_EXISTS || verdict == VERDICT_DUPLICATE_KEY || verdict == VERDICT_ROLE_MISSING ||
         verdict == VERDICT_NOT_ALLOWED || verdict == VERDICT_COLUMN_MISSING;
}
