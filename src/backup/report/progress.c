#include "backup/report/progress.h"

#include "base/error.h"

enum { EVENT_INTERVAL_US = 200 * 1000 };

struct BackupProgress {
  GMutex mutex; /* guards the members below; held while an event is reported */
  BackupEventFunc func;
  gpointer user_data;
  Language language;
  BackupEvent event; /* what the next event says */
  GArray *tables;    /* BackupTableResult */
  gint64 last_event_us;
};

/* Each phase's share of the whole, in percent: a guess that makes the bar move evenly. */
static const struct {
  const char *name;
  double from, to;
} phases[] = {
    [BACKUP_PHASE_CHECK] = {"check", 0, 12},      [BACKUP_PHASE_CONNECT] = {"connect", 12, 12},
    [BACKUP_PHASE_LOCKS] = {"locks", 12, 12},     [BACKUP_PHASE_SCHEMA] = {"schema", 12, 14},
    [BACKUP_PHASE_DATA] = {"data", 14, 75},       [BACKUP_PHASE_INDEXES] = {"indexes", 75, 98},
    [BACKUP_PHASE_MIGRATE] = {"migrate", 98, 99}, [BACKUP_PHASE_COMMIT] = {"commit", 99, 99.5},
    [BACKUP_PHASE_SWAP] = {"swap", 99.5, 100},    [BACKUP_PHASE_DONE] = {"done", 100, 100},
};

const char *
backup_phase_name(BackupPhase phase)
{
  return phases[phase].name;
}

const char *
backup_event_type_name(BackupEventType type)
{
  static const char *const names[] = {"progress", "complete", "error"};
  return names[type];
}

static void
clear_table_result(gpointer data)
{
  g_free(((BackupTableResult *)data)->table);
}

BackupProgress *
backup_progress_new(BackupEventFunc func, gpointer user_data, Language language)
{
  BackupProgress *progress = g_new0(BackupProgress, 1);
  g_mutex_init(&progress->mutex);
  progress->func = func;
  progress->user_data = user_data;
  progress->language = language;
  progress->tables = g_array_new(FALSE, FALSE, sizeof(BackupTableResult));
  g_array_set_clear_func(progress->tables, clear_table_result);
  return progress;
}

void
backup_progress_free(BackupProgress *progress)
{
  g_free((char *)progress->event.table);
  g_array_free(progress->tables, TRUE);
  g_mutex_clear(&progress->mutex);
  g_free(progress);
}

static void
emit(BackupProgress *progress, const char *message, gboolean is_warning)
{
  progress->event.message = message;
  progress->event.is_warning = is_warning;
  progress->last_event_us = g_get_monotonic_time();
  progress->func(&progress->event, progress->user_data);
  progress->event.message = NULL;
  progress->event.is_warning = FALSE;
}

static void
emit_counts(BackupProgress *progress)
{
  if (g_get_monotonic_time() - progress->last_event_us >= EVENT_INTERVAL_US)
    emit(progress, NULL, FALSE);
}

static void
enter_phase(BackupProgress *progress, BackupPhase phase)
{
  progress->event.phase = phase;
  progress->event.percent = phases[phase].from;
}

static void
set_percent(BackupProgress *progress, guint64 done, guint64 total)
{
  double fraction = total > 0 ? MIN(1.0, (double)done / (double)total) : 1.0;
  double from = phases[progress->event.phase].from;
  progress->event.percent = from + fraction * (phases[progress->event.phase].to - from);
}

static void
set_table(BackupProgress *progress, const char *table)
{
  g_free((char *)progress->event.table);
  progress->event.table = g_strdup(table);
}

void
backup_progress_phase(BackupProgress *progress, BackupPhase phase)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&progress->mutex);
  enter_phase(progress, phase);
}

void
backup_progress_set(BackupProgress *progress, guint64 done, guint64 total)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&progress->mutex);
  set_percent(progress, done, total);
  emit_counts(progress);
}

void
backup_progress_totals(BackupProgress *progress, guint64 rows, guint64 bytes)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&progress->mutex);
  progress->event.rows_total = rows;
  progress->event.bytes_total = bytes;
}

void
backup_progress_add(BackupProgress *progress, guint64 rows, guint64 bytes)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&progress->mutex);
  progress->event.rows += rows;
  progress->event.bytes += bytes;
  if (progress->event.bytes_total > 0)
    set_percent(progress, progress->event.bytes, progress->event.bytes_total);
  emit_counts(progress);
}

void
backup_progress_restart(BackupProgress *progress)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&progress->mutex);
  progress->event.rows = progress->event.bytes = 0;
  progress->event.warning_count = 0;
  g_array_set_size(progress->tables, 0);
}

void
backup_progress_table(BackupProgress *progress, const char *table)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&progress->mutex);
  set_table(progress, table);
}

void
backup_progress_table_merged(BackupProgress *progress, const BackupTableResult *result)
{
  BackupTableResult copy = *result;
  copy.table = g_strdup(result->table);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&progress->mutex);
  g_array_append_val(progress->tables, copy);
}

void
backup_progress_table_done(BackupProgress *progress, const char *table, guint64 rows, guint64 inserted)
{
  BackupTableResult result = {.table = (char *)table,
                              .rows_total = rows,
                              .rows_inserted = inserted,
                              .rows_skipped = rows - MIN(rows, inserted)};
  backup_progress_table_merged(progress, &result);
}

void
backup_progress_say(BackupProgress *progress, TextId id, ...)
{
  va_list args;
  va_start(args, id);
  g_autofree char *message = text_vformat(id, progress->language, args);
  va_end(args);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&progress->mutex);
  emit(progress, message, FALSE);
}

void
backup_progress_caution(BackupProgress *progress, TextId id, ...)
{
  va_list args;
  va_start(args, id);
  g_autofree char *message = text_vformat(id, progress->language, args);
  va_end(args);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&progress->mutex);
  emit(progress, message, TRUE);
}

void
backup_progress_warn(BackupProgress *progress, TextId id, ...)
{
  va_list args;
  va_start(args, id);
  g_autofree char *message = text_vformat(id, progress->language, args);
  va_end(args);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&progress->mutex);
  progress->event.warning_count++;
  emit(progress, message, TRUE);
}

Language
backup_progress_language(const BackupProgress *progress)
{
  return progress->language;
}

void
backup_progress_complete(BackupProgress *progress, TextId id)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&progress->mutex);
  enter_phase(progress, BACKUP_PHASE_DONE);
  set_table(progress, NULL);
  progress->event.type = BACKUP_EVENT_COMPLETE;
  progress->event.exit_code = progress->event.warning_count > 0 ? 1 : 0;
  progress->event.tables = (const BackupTableResult *)progress->tables->data;
  progress->event.n_tables = progress->tables->len;
  emit(progress, text_get(id, progress->language), FALSE);
}

void
backup_progress_fail(BackupProgress *progress, const GError *error, gboolean is_rolled_back)
{
  const ErrorInfo *info = error_info(error);
  g_autofree char *detail = g_utf8_make_valid(error->message, -1);
  g_autofree char *message = is_rolled_back ? text_format(TEXT_IMPORT_ROLLED_BACK, progress->language,
                                                          error_text(error, progress->language), detail)
                                            : g_strdup_printf("%s: %s", error_text(error, progress->language), detail);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&progress->mutex);
  progress->event.type = BACKUP_EVENT_ERROR;
  progress->event.error_count++;
  progress->event.exit_code = info->exit_code;
  progress->event.error_code = info->code;
  emit(progress, message, FALSE);
}
