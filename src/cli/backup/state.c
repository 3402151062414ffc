#include "cli/backup/state.h"

#include "cli/files/input_file.h"
#include "pg/migrate/migrate.h"
#include "storage/age.h"

#include <sodium.h>

PgConnection *
backup_command_connect(BackupCommand *command, GError **error)
{
  const CliContext *context = command->context;
  if (command->target == NULL) {
    cli_target_note_redis(context);
    command->target = cli_target_open(context, error);
    if (command->target == NULL)
      return NULL;
    command->pool = pg_pool_new(cli_target_dsn(command->target));
    g_autoptr(PgConnection) connection =
        pg_connection_open(cli_target_dsn(command->target), "cch-data backup", context->cancellable, error);
    if (connection == NULL || (context->config->auto_migrate && !pg_migrate_own(connection, error)))
      return NULL;
  }
  return pg_pool_take(command->pool, "cch-data backup", context->cancellable, error);
}

gboolean
backup_command_identity(const BackupCommand *command, char **ret_identity, GError **error)
{
  *ret_identity = NULL;
  if (command->identity_path == NULL)
    return TRUE;
  g_autoptr(GString) text = cli_read_input(command->identity_path, AGE_MAX_IDENTITY_BYTES, error);
  if (text == NULL)
    return FALSE;
  *ret_identity = g_strdup(text->str);
  sodium_memzero(text->str, text->len);
  return TRUE;
}
