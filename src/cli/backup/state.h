/* What the verbs of `backup` share. */
#pragma once

#include "cli/command/command.h"
#include "cli/command/target.h"
#include "pg/pool/pool.h"
#include "schedule/catalog/catalog.h"
#include "schedule/catalog/runs.h"

typedef struct {
  CliContext *context;
  CliTarget *target; /* NULL until the verb needs the database */
  PgPool *pool;
  char **operands; /* after the verb */
  char *job, *from, *at, *identity_path, *to;
  gboolean is_dry_run, is_overwrite, is_confirmed, is_forced;
} BackupCommand;

/* Opens the database, and brings our own tables up to date unless the configuration says not to. */
PgConnection *backup_command_connect(BackupCommand *command, GError **error);
/* The secret key from --identity ("-": standard input); NULL, without an error, if the option is not given. Free with
 * g_free. */
gboolean backup_command_identity(const BackupCommand *command, char **ret_identity, GError **error);

/* runs.c: executes a run in this process, unless a service takes it first, and shows its progress. Prints the outcome.
 */
gboolean backup_command_run(BackupCommand *command, PgConnection *connection, Run *run, GError **error);

/* The verbs. */
gboolean backup_command_list(gpointer command, GError **error);
gboolean backup_command_jobs(gpointer command, GError **error);
gboolean backup_command_runs(gpointer command, GError **error);
gboolean backup_command_cancel(gpointer command, GError **error);
gboolean backup_command_make(gpointer command, GError **error);
gboolean backup_command_verify(gpointer command, GError **error);
gboolean backup_command_drill(gpointer command, GError **error);
gboolean backup_command_prune(gpointer command, GError **error);
gboolean backup_command_scan(gpointer command, GError **error);
gboolean backup_command_restore(gpointer command, GError **error);
