/* The options import --undo and --undo-discard. */
#pragma once

#include "backup/report/event.h"
#include "cli/command/command.h"

typedef struct {
  const char *name; /* name of the kept database; NULL: the newest */
  gboolean is_discard;
  gboolean is_confirmed;
  BackupEventFunc report;
  gpointer report_data;
} CliUndo;

/* Asks unless confirmed, then swaps the kept database back or drops it. */
gboolean cli_undo(CliContext *context, const CliUndo *undo, GError **error);
