/* A run under way: its signs of life, its progress, its log, and its files. */
#pragma once

#include "config/config.h"
#include "notify/notify.h"
#include "pg/pool/pool.h"
#include "schedule/catalog/catalog.h"
#include "schedule/catalog/runs.h"

typedef struct {
  const Config *config;
  PgPool *pool;
  Notify *notify; /* NULL: a running service sends the messages */
  char *runner;   /* of this process, random */
  Run run;
  char *directory;  /* of the run's own files; removed at its end */
  int directory_fd; /* locked */
  GCancellable
      *cancellable; /* the run's: somebody asked for the end, the time is over, it was lost, or the outer one */
  GCancellable *outer;
  gulong outer_handler;
  GThread *beat;
  GMutex mutex;     /* guards the members below */
  GCond wake;       /* the beat */
  json_t *progress; /* {phase, done, total} */
  gboolean is_over, is_lost, is_late;
  gint64 limit_us; /* monotonic; 0: none */
} RunWork;

/* Begins the signs of life of a claimed run, which it takes. NULL if its directory cannot be made: FILE, DISK_FULL. */
RunWork *run_work_new(const Config *config, PgPool *pool, const char *runner, Run *run, GCancellable *outer,
                      GError **error);
/* Ends the signs of life, and removes the directory; the run's row is run_end's. */
void run_work_free(RunWork *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunWork, run_work_free)

/* A cancellable for an operation under the backup lock, which triggers it when the lock is lost; the run goes on then,
 * and may try again. It is triggered with the run's. */
typedef struct {
  GCancellable *cancellable;
  GCancellable *outer;
  gulong handler;
} RunAttempt;

RunAttempt run_attempt_begin(const RunWork *work);
void run_attempt_end(RunAttempt *attempt);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunAttempt, run_attempt_end)

/* The run stops when it has taken so long. */
void run_work_limit(RunWork *work, guint seconds);
/* A connection for a few statements. */
PgConnection *run_work_connect(const RunWork *work, GError **error);
void run_work_progress(RunWork *work, const char *phase, guint64 done, guint64 total);
/* Adds a line to the run's log: an event and its details (takes ownership; may be NULL). */
void run_work_log(const RunWork *work, const char *event, json_t *details);
/* {errorCode, message}, for run_work_log. */
json_t *run_work_problem(const GError *problem);
/* Tells people the state of "PREFIX:NAME": bad because of `problem`, or good (NULL). Does nothing if the problem is
 * only that the run was cancelled or taken over. */
void run_work_tell(RunWork *work, NotifyKind kind, const char *prefix, const char *name, const GError *problem);
/* Removes what dead processes have left in the data directory. */
void run_work_clean(const Config *config);
/* Replaces CANCELLED by its reason: BACKUP_TIME_LIMIT, BACKUP_RUN_LOST. */
void run_work_explain(RunWork *work, GError **error);
/* A path in the run's directory; free with g_free. */
char *run_work_path(const RunWork *work, const char *name);
