#include "schedule/catalog/catalog.h"

#include "base/error.h"
#include "schedule/catalog/rows.h"
#include "schedule_sql.h"

#include <string.h>

void
catalog_backup_free(CatalogBackup *backup)
{
  if (backup == NULL)
    return;
  g_free(backup->destination_name);
  g_free(backup->job_name);
  g_free(backup->name);
  g_free(backup->sha256);
  g_free(backup->state);
  g_free(backup->proof);
  g_free(backup->made_at);
  g_free(backup->stored_at);
  g_free(backup->verified_at);
  g_free(backup->proven_at);
  g_free(backup->problem);
  g_free(backup);
}

gboolean
catalog_backup_is_good(const CatalogBackup *backup)
{
  return strcmp(backup->state, "stored") == 0 || strcmp(backup->state, "proven") == 0;
}

static gint64
number_or_unknown(const PgResult *rows, guint row, guint column)
{
  return pg_result_text(rows, row, column) != NULL ? pg_result_int64(rows, row, column) : -1;
}

/* The columns of backups.sql. */
static CatalogBackup *
read_backup(const PgResult *rows, guint row)
{
  CatalogBackup *backup = g_new0(CatalogBackup, 1);
  char **const texts[] = {&backup->destination_name, &backup->job_name,  &backup->name,
                          &backup->sha256,           &backup->state,     &backup->proof,
                          &backup->made_at,          &backup->stored_at, &backup->verified_at,
                          &backup->proven_at,        &backup->problem};
  guint column = 0;
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    *texts[i] = g_strdup(pg_result_text(rows, row, column++));
  backup->id = pg_result_int64(rows, row, column++);
  backup->destination_id = pg_result_int64(rows, row, column++);
  backup->made_s = pg_result_int64(rows, row, column++);
  backup->bytes = (guint64)pg_result_int64(rows, row, column++);
  backup->row_count = number_or_unknown(rows, row, column++);
  backup->recovery_ms = number_or_unknown(rows, row, column++);
  backup->has_manifest = pg_result_bool(rows, row, column++);
  backup->is_encrypted = pg_result_bool(rows, row, column++);
  backup->is_pinned = pg_result_bool(rows, row, column++);
  backup->is_found = pg_result_bool(rows, row, column++);
  return backup;
}

static GPtrArray *
list_backups(PgConnection *connection, const char *id, const char *job_name, const char *destination_id, GError **error)
{
  g_autoptr(PgResult) rows =
      pg_connection_query(connection, error, schedule_backups_sql, 3, id, job_name, destination_id);
  if (rows == NULL)
    return NULL;
  GPtrArray *backups = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_backup_free);
  for (guint row = 0; row < pg_result_rows(rows); row++)
    g_ptr_array_add(backups, read_backup(rows, row));
  return backups;
}

GPtrArray *
catalog_backups(PgConnection *connection, const char *job_name, gint64 destination_id, GError **error)
{
  NumberText destination = number_text(destination_id);
  return list_backups(connection, NULL, job_name, destination_id != 0 ? destination.text : NULL, error);
}

CatalogBackup *
catalog_find_backup(PgConnection *connection, gint64 id, GError **error)
{
  g_autoptr(GPtrArray) found = list_backups(connection, number_text(id).text, NULL, NULL, error);
  if (found == NULL)
    return NULL;
  if (found->len > 0)
    return g_ptr_array_steal_index(found, 0);
  error_set(error, CCH_ERROR_NOT_FOUND, "there is no backup %" G_GINT64_FORMAT, id);
  return NULL;
}

gboolean
catalog_read_manifest(PgConnection *connection, gint64 id, char **ret_json, GError **error)
{
  return pg_connection_value(connection, ret_json, error, "SELECT manifest FROM cch_data.backups WHERE id = $1", 1,
                             number_text(id).text);
}

gboolean
catalog_note_backup(PgConnection *connection, gint64 destination_id, const char *job_name, const char *name,
                    guint64 bytes, const char *sha256, const char *manifest_json, const char *made_at, CatalogNote note,
                    GError **error)
{
  g_autoptr(PgResult) result = pg_connection_query(
      connection, error, schedule_note_backup_sql, 10, number_text(destination_id).text, job_name, name,
      number_text((gint64)bytes).text, sha256, manifest_json, made_at, g_str_has_suffix(name, ".age") ? "t" : "f",
      note != NOTE_MADE ? "t" : "f", note == NOTE_FOUND ? "t" : "f");
  return result != NULL;
}

gboolean
catalog_has_backup_named(PgConnection *connection, const char *job_name, const char *beginning, gboolean *ret_has,
                         GError **error)
{
  g_autoptr(PgResult) result = pg_connection_query(connection, error,
                                                   "SELECT EXISTS (SELECT FROM cch_data.backups"
                                                   " WHERE job_name = $1 AND pg_catalog.starts_with(name, $2))",
                                                   2, job_name, beginning);
  if (result == NULL)
    return FALSE;
  *ret_has = pg_result_bool(result, 0, 0);
  return TRUE;
}

gboolean
catalog_note_proof(PgConnection *connection, gint64 id, const char *proof, gint64 recovery_ms, GError **error)
{
  g_autoptr(PgResult) result = pg_connection_query(
      connection, error,
      "UPDATE cch_data.backups SET state = 'proven', proof = $2, proven_at = now(), problem = NULL,"
      " verified_at = now(), recovery_ms = coalesce(nullif($3::bigint, -1), recovery_ms) WHERE id = $1",
      3, number_text(id).text, proof, number_text(recovery_ms).text);
  return found_row(result, "backup", error);
}

gboolean
catalog_note_problem(PgConnection *connection, gint64 id, const char *state, const char *problem, GError **error)
{
  g_autofree char *valid = g_utf8_make_valid(problem, -1);
  g_autoptr(PgResult) result =
      pg_connection_query(connection, error, "UPDATE cch_data.backups SET state = $2, problem = $3 WHERE id = $1", 3,
                          number_text(id).text, state, valid);
  return found_row(result, "backup", error);
}

gboolean
catalog_newest_good(PgConnection *connection, const char *job_name, gint64 destination_id, gint64 *ret_id,
                    GError **error)
{
  g_autoptr(PgResult) result =
      pg_connection_query(connection, error,
                          "SELECT id FROM cch_data.backups WHERE job_name = $1 AND state IN ('stored', 'proven')"
                          " AND ($2 = '0' OR destination_id = $2::bigint) ORDER BY made_at DESC, id LIMIT 1",
                          2, job_name, number_text(destination_id).text);
  if (result == NULL)
    return FALSE;
  *ret_id = pg_result_rows(result) > 0 ? pg_result_int64(result, 0, 0) : 0;
  return TRUE;
}

/* An hour less, so that a weekly proof does not move to the eighth day. */
gboolean
catalog_is_proof_due(PgConnection *connection, const char *job_name, gint64 destination_id, guint days,
                     gboolean *ret_is_due, GError **error)
{
  g_autofree char *is_due = NULL;
  *ret_is_due = FALSE;
  if (days == 0)
    return TRUE;
  if (!pg_connection_value(connection, &is_due, error, schedule_proof_due_sql, 3, job_name,
                           number_text(destination_id).text, number_text((gint64)days * 24 - 1).text))
    return FALSE;
  *ret_is_due = g_strcmp0(is_due, "t") == 0;
  return TRUE;
}

gboolean
catalog_pin(PgConnection *connection, gint64 id, gboolean is_pinned, GError **error)
{
  g_autoptr(PgResult) result =
      pg_connection_query(connection, error, "UPDATE cch_data.backups SET is_pinned = $2 WHERE id = $1", 2,
                          number_text(id).text, is_pinned ? "t" : "f");
  return found_row(result, "backup", error);
}

gboolean
catalog_forget_backup(PgConnection *connection, gint64 id, GError **error)
{
  g_autoptr(PgResult) result =
      pg_connection_query(connection, error, "DELETE FROM cch_data.backups WHERE id = $1", 1, number_text(id).text);
  return result != NULL;
}

RetentionVerdict *
catalog_judge(const GPtrArray *backups, const JobSettings *settings, gint64 now_s)
{
  g_autofree RetentionBackup *judged = g_new0(RetentionBackup, backups->len);
  RetentionVerdict *verdicts = g_new0(RetentionVerdict, MAX(backups->len, 1));
  for (guint i = 0; i < backups->len; i++) {
    const CatalogBackup *backup = backups->pdata[i];
    gboolean counts = catalog_backup_is_good(backup) && !backup->is_found;
    judged[i] = (RetentionBackup){.made_s = backup->made_s,
                                  .is_good = counts,
                                  .is_proven = counts && strcmp(backup->state, "proven") == 0,
                                  .is_pinned = backup->is_pinned || !counts};
  }
  retention_judge(&settings->retention, settings->cron, judged, backups->len, now_s, verdicts);
  return verdicts;
}
