/* Counts what an import has done and turns it into events: messages at once, counts at most five times a second.
 *
 * Several threads may report. Events are sent one at a time, by the thread that reports. */
#pragma once

#include "backup/report/event.h"

typedef struct BackupProgress BackupProgress;

BackupProgress *backup_progress_new(BackupEventFunc func, gpointer user_data, Language language);
void backup_progress_free(BackupProgress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BackupProgress, backup_progress_free)

/* Begins a phase. Within it, `done` of `total` (bytes or steps) moves the percentage. */
void backup_progress_phase(BackupProgress *progress, BackupPhase phase);
void backup_progress_set(BackupProgress *progress, guint64 done, guint64 total);

/* The totals of all tables, known after the check. */
void backup_progress_totals(BackupProgress *progress, guint64 rows, guint64 bytes);
/* Adds rows and bytes sent to the database since the last call. They move the percentage if the total of bytes is
 * known. */
void backup_progress_add(BackupProgress *progress, guint64 rows, guint64 bytes);
/* Resets the counts: the transaction starts again. */
void backup_progress_restart(BackupProgress *progress);

/* The current table; NULL: none. */
void backup_progress_table(BackupProgress *progress, const char *table);
void backup_progress_table_done(BackupProgress *progress, const char *table, guint64 rows, guint64 inserted);
void backup_progress_table_merged(BackupProgress *progress, const BackupTableResult *result); /* it is copied */

/* Messages. A warning is counted. */
void backup_progress_say(BackupProgress *progress, TextId id, ...);
void backup_progress_caution(BackupProgress *progress, TextId id, ...); /* shown as a warning, not counted */
void backup_progress_warn(BackupProgress *progress, TextId id, ...);
Language backup_progress_language(const BackupProgress *progress);

/* The last events. */
void backup_progress_complete(BackupProgress *progress, TextId id);
void backup_progress_fail(BackupProgress *progress, const GError *error, gboolean is_rolled_back);
