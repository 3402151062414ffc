/* What the catalog's files share: parameters and values of rows. */
#pragma once

#include "pg/connection/connection.h"

/* SQL for a timestamptz as ISO 8601 in UTC. */
#define UTC_TEXT(column) "pg_catalog.to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"

/* A number as a parameter. */
typedef struct {
  char text[24];
} NumberText;

NumberText number_text(gint64 number);

/* NOT_FOUND unless the statement affected a row. */
gboolean found_row(const PgResult *result, const char *what, GError **error);

/* Turns a violated unique key into BACKUP_NAME_TAKEN. Takes the error. */
void explain_taken(const char *name, GError *failure, GError **error);
