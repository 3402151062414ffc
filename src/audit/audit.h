/* The audit log: who did what, from where. Written to the hub's public.audit_log where there is one (v0.9), else to
 * cch_data.audit_log, in the caller's transaction if there is one; a failure leaves that transaction usable. A table of
 * that name with other columns is not taken for one. */
#pragma once

#include "pg/connection/connection.h"

typedef struct {
  const char *category;      /* "database", "model_price" */
  const char *type;          /* "database.export", "model_price.sync" */
  const char *operator_name; /* may be NULL, as may what follows */
  const char *operator_ip;
  const char *target_type;  /* NULL: "database" */
  const char *target_name;  /* the database, a model, a file */
  const char *before_json;  /* what was there, for before_value */
  const char *details_json; /* what was done, or is there now, for after_value */
  gboolean success;
  const char *error_message;
} AuditEntry;

/* Values longer than their columns are cut at a character. TRUE, too, where there is no table to write to. */
gboolean audit_write(PgConnection *connection, const AuditEntry *entry, GError **error);
