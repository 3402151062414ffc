#include "pg/migrate/migrate.h"

#include "base/error.h"
#include "base/json.h"
#include "cli/command/target.h"
#include "cli/commands.h"

#include <stdio.h>

gboolean
cli_migrate(CliContext *context, int argc, char **argv, GError **error)
{
  gboolean with_hub_tables = FALSE;
  const GOptionEntry entries[] = {
      {"hub-tables", 0, 0, G_OPTION_ARG_NONE, &with_hub_tables,
       cli_say(context, "同时在 public 中创建 Hub 的表（仅用于永远不会有 Hub 使用的数据库）",
               "also make the hub's tables in public, for a database that no hub will ever use"),
       NULL},
      {NULL},
  };
  CliParse parsed = cli_parse(context, entries, &argc, &argv, 0, 0, error);
  if (parsed != CLI_PARSE_RUN)
    return parsed == CLI_PARSE_DONE;
  g_autoptr(CliTarget) target = cli_target_open(context, error);
  g_autoptr(PgConnection) connection =
      target != NULL ? pg_connection_open(cli_target_dsn(target), "cch-data migrate", context->cancellable, error)
                     : NULL;
  MigrateResult result = {0};
  if (connection == NULL || !(with_hub_tables ? pg_migrate_with_hub_tables(connection, &result, error)
                                              : pg_migrate(connection, &result, error)))
    return FALSE;
  if (with_hub_tables && !result.has_hub_tables) {
    error_set(error, CCH_ERROR_MIGRATION_PUBLIC_TAKEN, "%s",
              result.is_hub_managed ? "a hub keeps drizzle.__drizzle_migrations there"
                                    : "public has tables of another purpose");
    return FALSE;
  }
  gboolean is_zh = context->language == LANGUAGE_ZH_CN;
  if (context->is_json) {
    g_autoptr(json_t) answer = json_pack("{s:I, s:b, s:b}", "applied", (json_int_t)result.n_applied, "hubManaged",
                                         result.is_hub_managed, "hubTables", result.has_hub_tables);
    g_autofree char *text = json_to_text(answer);
    printf("%s\n", text);
  } else if (result.n_applied == 0)
    printf("%s\n", is_zh ? "数据库已是最新" : "The database is up to date");
  else
    printf(is_zh ? "已执行 %u 个迁移\n" : "Applied %u migrations\n", result.n_applied);
  return TRUE;
}
