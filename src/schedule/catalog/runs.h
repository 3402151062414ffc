/* The queue and the log of runs in cch_data.backup_runs: backups, verifications, drills, prunings, scans.
 *
 * One run at a time is under way, of all instances together. Its process, the runner, gives a sign of life every
 * second. A run without one for RUN_DEAD_S has lost its runner: it is queued again, and after RUN_MAX_TRIES such ends
 * it has failed. A runner whose run was given to another one learns that by its next sign of life, and stops. */
#pragma once

#include "pg/connection/connection.h"

#include <jansson.h>

#define RUN_BEAT_S    1
#define RUN_DEAD_S    60
#define RUN_MAX_TRIES 3

typedef struct {
  gint64 id;
  char *kind;                               /* "backup", "verify", "drill", "prune", "scan" */
  gint64 job_id, backup_id, destination_id; /* 0: none */
  char *job_name;
  char *asked_by; /* "schedule", or who asked */
  guint tries;
} Run;

void run_clear(Run *run);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* Queues a run. The same one, if it is queued already, is not queued twice; `ret_id` (may be NULL) is its id. */
gboolean run_queue(PgConnection *connection, const Run *run, gint64 *ret_id, GError **error);

/* Gives the oldest queued run (`id` 0), or this one, to `runner`, unless another run is under way. `ret_found` is FALSE
 * if there is none to be had. */
gboolean run_claim(PgConnection *connection, const char *runner, gint64 id, Run *ret_run, gboolean *ret_found,
                   GError **error);
/* Gives a new run to `runner` at once, so that it never waits for another one; `ret_found` is FALSE if another run is
 * under way, and then there is no new one. */
gboolean run_begin(PgConnection *connection, const char *runner, const Run *run, Run *ret_run, gboolean *ret_found,
                   GError **error);
/* A sign of life, with the progress to show. `ret_is_cancelled` if somebody asked for the end. BACKUP_RUN_LOST. */
gboolean run_beat(PgConnection *connection, gint64 id, const char *runner, const json_t *progress,
                  gboolean *ret_is_cancelled, GError **error);
/* Adds a line to its log, an object with a member "event"; what cannot be written is lost. */
void run_log(PgConnection *connection, gint64 id, const char *runner, const json_t *line);

typedef struct {
  const GError *problem; /* NULL: succeeded */
  const char *backup_name;
  gint64 bytes, rows, recovery_ms; /* -1: not known */
} RunOutcome;

/* Ends it: succeeded, cancelled (CANCELLED) or failed. */
gboolean run_end(PgConnection *connection, gint64 id, const char *runner, const RunOutcome *outcome, GError **error);

/* The runner cannot go on: another one may run it at once. */
void run_give_back(PgConnection *connection, gint64 id, const char *runner);

/* Asks for its end: a queued run ends at once. BACKUP_RUN_ENDED, NOT_FOUND. */
gboolean run_cancel(PgConnection *connection, gint64 id, GError **error);

/* The newest runs as a JSON array, without their logs; `job_name` NULL: of all jobs. Free with g_free. */
char *run_list(PgConnection *connection, const char *job_name, guint limit, GError **error);
/* One run with its log, as JSON. NOT_FOUND. */
char *run_show(PgConnection *connection, gint64 id, GError **error);
