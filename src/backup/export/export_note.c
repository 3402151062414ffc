#include "backup/export/export_note.h"

#include "audit/audit.h"
#include "backup_sql.h"
#include "base/json.h"

static void
write_audit(PgConnection *connection, const ExportNote *note)
{
  json_t *excluded = json_array();
  for (const char *const *name = note->exclude_table_data; name != NULL && *name != NULL; name++)
    json_array_append_new(excluded, json_string(*name));
  guint64 rows = note->manifest != NULL ? manifest_totals(note->manifest).rows : 0;
  g_autoptr(json_t) object =
      json_pack("{s:b, s:o, s:b, s:I, s:s, s:I}", "excludeLogs", note->exclude_logs, "excludedTables", excluded,
                "ledgerOnly", note->manifest != NULL && note->manifest->ledger_only, "bytes", (json_int_t)note->bytes,
                "compression", archive_level_name(note->level), "rows", (json_int_t)rows);
  g_autofree char *details = json_to_text(object);
  AuditEntry entry = {.category = "database",
                      .type = "database.export",
                      .operator_name = note->holder,
                      .target_name = note->database,
                      .details_json = details,
                      .success = note->manifest != NULL,
                      .error_message = note->manifest != NULL ? NULL : "not completed"};
  audit_write(connection, &entry, NULL);
}

static void
keep_manifest(PgConnection *connection, const ExportNote *note)
{
  char duration[24], relations[24];
  g_snprintf(duration, sizeof duration, "%" G_GUINT64_FORMAT, note->duration_ms);
  g_snprintf(relations, sizeof relations, "%" G_GUINT64_FORMAT, note->relation_bytes);
  g_autofree char *json = manifest_to_json(note->manifest);
  pg_result_free(pg_connection_query(connection, NULL, backup_export_keep_sql, 4, note->manifest->archive,
                                     note->manifest->archive_sha256, json, note->holder));
  /* A separate statement, because an older database has the table without these columns. */
  pg_result_free(pg_connection_query(connection, NULL, backup_export_time_sql, 3, note->manifest->archive_sha256,
                                     duration, relations));
}

void
export_note_write(PgConnection *connection, const ExportNote *note)
{
  write_audit(connection, note);
  if (note->manifest != NULL)
    keep_manifest(connection, note);
}
