#include "cli/target.h"

#include "base/data_dir.h"
#include "pg/cluster.h"

struct CliTarget {
  char *dsn;
  PgCluster *cluster; /* NULL with DSN */
};

CliTarget *
cli_target_open(const CliContext *context, GError **error)
{
  g_autoptr(CliTarget) target = g_new0(CliTarget, 1);
  if (context->config->dsn != NULL) {
    target->dsn = g_strdup(context->config->dsn);
    return g_steal_pointer(&target);
  }
  PgClusterOptions options = {.data_dir = context->config->data_dir,
                              .pg_bin_dir = context->config->pg_bin_dir,
                              .user = context->config->cluster_user};
  target->cluster = pg_cluster_open(&options, context->cancellable, error);
  if (target->cluster == NULL)
    return NULL;
  target->dsn = g_strdup(pg_cluster_dsn(target->cluster));
  return g_steal_pointer(&target);
}

const char *
cli_target_dsn(const CliTarget *target)
{
  return target->dsn;
}

void
cli_target_close(CliTarget *target)
{
  if (target == NULL)
    return;
  pg_cluster_close(target->cluster);
  g_free(target->dsn);
  g_free(target);
}
