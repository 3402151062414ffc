#include "cli/archive/lock_wait.h"

#include "base/text.h"

#include <stdio.h>

static void
print_lock_wait(const BackupLockHolder *holder, gpointer data)
{
  const CliContext *context = data;
  g_autofree char *text =
      text_format(TEXT_CLI_WAITS, context->language, holder->operation != NULL ? holder->operation : "?",
                  holder->holder != NULL ? holder->holder : "?", holder->since != NULL ? holder->since : "?",
                  (guint)context->wait_s);
  g_autofree char *visible = text_visible(text);
  fprintf(stderr, "cch-data: %s\n", visible);
}

GOptionEntry
cli_wait_entry(CliContext *context)
{
  return (GOptionEntry){"wait",
                        0,
                        0,
                        G_OPTION_ARG_INT,
                        &context->wait_s,
                        cli_say(context, "另一备份操作正在进行时，最多等待这么多秒（默认 0：立即报错）",
                                "while another backup operation runs, wait this long for it (0: not at all)"),
                        "SECONDS"};
}

BackupLockWait
cli_lock_wait(CliContext *context)
{
  return (BackupLockWait){.seconds = (guint)context->wait_s, .begin = print_lock_wait, .data = context};
}
