#include "cli/command/target.h"

#include "base/log.h"
#include "base/os/directory.h"
#include "base/text.h"
#include "pg/cluster/cluster.h"

#include "pg/dsn/dsn.h"
#include "redis/redis.h"
#include <stdio.h>

struct CliTarget {
  char *dsn;
  PgCluster *cluster; /* NULL with DSN */
};

CliTarget *
cli_target_open(const CliContext *context, GError **error)
{
  const Config *config = context->config;
  if (config->redis_url != NULL && !redis_url_check(config->redis_url, error))
    return NULL;
  g_autoptr(CliTarget) target = g_new0(CliTarget, 1);
  if (config->dsn != NULL) {
    g_autofree char *ignored = NULL;
    if (!dsn_check(config->dsn, &ignored, error))
      return NULL;
    if (ignored != NULL)
      log_event(LOG_WARNING, "DSN parameters passed over", "names", ignored, NULL);
    target->dsn = g_strdup(config->dsn);
    return g_steal_pointer(&target);
  }
  PgClusterOptions options = {
      .data_dir = config->data_dir, .pg_bin_dir = config->pg_bin_dir, .user = config->cluster_user};
  target->cluster = pg_cluster_open(&options, context->cancellable, error);
  if (target->cluster == NULL)
    return NULL;
  target->dsn = g_strdup(pg_cluster_dsn(target->cluster));
  return g_steal_pointer(&target);
}

void
cli_target_note_redis(const CliContext *context)
{
  if (context->config->dsn != NULL && context->config->redis_url == NULL)
    fprintf(stderr, "%s\n", text_get(TEXT_CLI_NO_REDIS, context->language));
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
