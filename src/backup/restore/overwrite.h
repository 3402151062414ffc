/* Overwriting: empties what the archive restores, inside the same transaction, so that afterwards the restored schemas
 * hold what the archive holds and nothing else. cch_data and schemas that the archive does not name stay.
 *
 * All tables are locked first, in short attempts, so that nobody queues behind us for long. What would be lost outside
 * the restored schemas is refused (IMPORT_BLOCKED) before anything is dropped. */
#pragma once

#include "backup/restore/restore.h"

/* Tells of what an overwrite takes away for good, which no error shows: rows of the log, and tables that the archive
 * does not know. `connection` is to the live database. */
gboolean overwrite_tell_losses(PgConnection *connection, ArchiveReader *reader, const RestorePlan *plan,
                               BackupProgress *progress, GError **error);

gboolean overwrite_clear(Restore *restore, GError **error);

/* Extensions of another role's cannot be dropped, and need not be: what they consist of is the same. Remembers them in
 * the restore, with a warning for each that the plan has. */
gboolean overwrite_find_kept_extensions(Restore *restore, GError **error);
