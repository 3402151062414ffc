/* `import --dry-run`: a preview, printed. */
#pragma once

#include "backup/import/import.h"
#include "cli/command/command.h"

/* Prints what the import would do: a table for people, or with --json one JSON object. */
gboolean dry_run_print(const CliContext *context, ArchiveReader *reader, const BackupImportOptions *options,
                       BackupLock *lock, GError **error);
