/* The audit log: actions, actors and addresses. Written to the hub's public.audit_log if it exists (v0.9), otherwise
 * to cch_data.audit_log, in the caller's transaction if there is one; a failure leaves that transaction usable. A
 * table of that name with other columns is not used. */
#pragma once

#include "pg/connection/connection.h"

typedef struct {
  const char *category;      /* "database", "model_price" */
  const char *type;          /* "database.export", "model_price.sync" */
  const char *operator_name; /* may be NULL, like the members below */
  const char *operator_ip;
  const char *target_type;  /* NULL: "database" */
  const char *target_name;  /* the database, a model, a file */
  const char *before_json;  /* the old state, for before_value */
  const char *details_json; /* the action or the new state, for after_value */
  gboolean success;
  const char *error_message;
} AuditEntry;

/* Values longer than their columns are truncated at a character. TRUE also if there is no table to write to. */
gboolean audit_write(PgConnection *connection, const AuditEntry *entry, GError **error);
