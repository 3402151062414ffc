#include "service/service.h"

#include "cli/commands.h"

gboolean
cli_serve(CliContext *context, int argc, char **argv, GError **error)
{
  gboolean with_demo = FALSE;
  const GOptionEntry entries[] = {
      {"demo", 0, 0, G_OPTION_ARG_NONE, &with_demo,
       cli_say(context, "私有集群为空时写入演示数据", "fill the private cluster with plausible data if it is empty"),
       NULL},
      {NULL},
  };
  CliParse parsed = cli_parse(context, entries, &argc, &argv, 0, 0, error);
  if (parsed != CLI_PARSE_RUN)
    return parsed == CLI_PARSE_DONE;
  ServiceOptions options = {.with_demo = with_demo, .language = context->language};
  return service_run(context->config, &options, context->cancellable, error);
}
