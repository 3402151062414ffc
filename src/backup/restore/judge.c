/* Handles failed steps, and remembers which objects existed already. */
#include "backup/plan/entry_sql.h"
#include "backup/restore/restore_private.h"
#include "base/error.h"
#include "pg/connection/sqlstate.h"

gboolean
restore_was_present(const Restore *restore, int dump_id)
{
  return g_hash_table_contains(restore->present, GINT_TO_POINTER(dump_id));
}

void
restore_mark_present(Restore *restore, const TocEntry *entry)
{
  g_hash_table_add(restore->present, GINT_TO_POINTER(entry->dump_id));
}

void
restore_warn(Restore *restore, const TocEntry *entry, const GError *failure)
{
  g_autofree char *name = entry_display_name(entry);
  g_autofree char *text = g_strdup_printf("%s %s: %s", entry->desc, name, failure->message);
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  backup_progress_warn(restore->progress, TEXT_IMPORT_WARNING, valid);
}

Verdict
restore_verdict(const Restore *restore, const TocEntry *entry, const GError *failure)
{
  return verdict_of(failure, toc_entry_kind(entry), restore->way->keeps_present);
}

/* A choice of the caller leaves an extension out, with what depends on it. */
static void
tell_way_out(const TocEntry *entry, GError **error)
{
  gboolean is_unavailable = error_has_sqlstate(*error, SQLSTATE_FEATURE_NOT_SUPPORTED) ||
                            error_has_sqlstate(*error, SQLSTATE_UNDEFINED_FILE) ||
                            error_has_sqlstate(*error, SQLSTATE_INSUFFICIENT_PRIVILEGE);
  if (!toc_entry_is(entry, TOC_KIND_EXTENSION) || !is_unavailable)
    return;
  g_autoptr(GError) failure = g_steal_pointer(error);
  error_set_sql(error, error_code(failure), error_sqlstate(failure), error_source_function(failure),
                "%s; to leave it out with what depends on it: --without-extension %s (withoutExtensions)",
                failure->message, entry->tag);
}

gboolean
restore_leave_out(Restore *restore, const TocEntry *entry, const GError *failure, GError **error)
{
  if (restore->plan->is_strict) {
    g_autofree char *name = entry_display_name(entry);
    error_set(error, CCH_ERROR_IMPORT_LEFT_OUT, "%s %s: %s", entry->desc, name, failure->message);
    return FALSE;
  }
  /* Of several grants that are refused for one object, the first stands for all; each missing role is named. */
  gboolean is_first = g_hash_table_add(restore->left_out, GINT_TO_POINTER(entry->dump_id));
  if (is_first || error_code(failure) != CCH_ERROR_DATABASE_PERMISSION)
    restore_warn(restore, entry, failure);
  return TRUE;
}

gboolean
restore_judge(Restore *restore, const TocEntry *entry, GError *failure, GError **error)
{
  Verdict verdict = restore_verdict(restore, entry, failure);
  g_autofree char *name = entry_display_name(entry);
  if (!verdict_is_ignorable(verdict) || g_cancellable_is_cancelled(restore->cancellable)) {
    tell_way_out(entry, &failure);
    g_propagate_prefixed_error(error, failure, "restore %s %s: ", entry->desc, name);
    return FALSE;
  }
  if (verdict == VERDICT_ROLE_MISSING || verdict == VERDICT_NOT_ALLOWED) {
    g_autoptr(GError) reason = failure;
    return restore_leave_out(restore, entry, reason, error);
  }
  if (verdict == VERDICT_EXISTS || verdict == VERDICT_COLUMN_MISSING)
    restore_mark_present(restore, entry);
  /* Every new database has schema public, which archives of PostgreSQL 10 and older create all the same. */
  gboolean is_public = toc_entry_is(entry, TOC_KIND_SCHEMA) && g_strcmp0(entry->tag, "public") == 0;
  if (!((restore->way->keeps_present || is_public) && verdict == VERDICT_EXISTS))
    restore_warn(restore, entry, failure);
  g_error_free(failure);
  return TRUE;
}
