#include "backup/load/load.h"

#include "backup/load/load_objects.h"
#include "backup/load/load_rows.h"
#include "backup/load/load_team.h"
#include "backup/restore/overwrite.h"

void
load_result_free(LoadResult *result)
{
  if (result == NULL)
    return;
  g_array_unref(result->tables);
  g_free(result);
}

LoadResult *
backup_load(ArchiveReader *reader, const RestorePlan *plan, const LoadOptions *options, BackupProgress *progress,
            GCancellable *cancellable, GError **error)
{
  g_autoptr(LoadTeam) team = load_team_new(reader, plan, options, progress, cancellable, error);
  if (team == NULL)
    return NULL;
  Restore *leader = load_team_leader(team);
  g_autoptr(LoadResult) result = g_new0(LoadResult, 1);
  result->tables = g_array_new(FALSE, FALSE, sizeof(LoadedTable));
  if (!overwrite_find_kept_extensions(leader, error) || !restore_apply_stage(leader, STAGE_PRE_DATA, error) ||
      !load_team_begin_sessions(team, error) || !load_rows(team, options->hash_rows, result->tables, error) ||
      !load_objects(team, result->tables, error) || !restore_apply_stage(leader, STAGE_ACCESS, error) ||
      !restore_apply_stage(leader, STAGE_LAST, error))
    return NULL;
  return g_steal_pointer(&result);
}
