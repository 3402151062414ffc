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

/* Extensions that the new database has from its template. */
typedef struct {
  GHashTable *extensions; /* names; NULL until read */
} LoadState;

static gboolean
leaves_out(Restore *restore, const TocEntry *entry)
{
  const LoadState *state = restore_way_state(restore);
  return overwrite_is_about_extension(state->extensions, entry);
}

/* A load applies the data and post-data stages itself, by several restores in parallel, so it needs no order here. */
static const RestoreWay load_way = {
    .name = "load",
    .leaves_out = leaves_out,
};

static gboolean
load_all(LoadTeam *team, LoadState *state, gboolean hash_rows, LoadResult *result, GError **error)
{
  Restore *leader = load_team_leader(team);
  state->extensions = overwrite_find_kept_extensions(leader, error);
  return state->extensions != NULL && restore_apply_stage(leader, STAGE_PRE_DATA, error) &&
         load_team_begin_sessions(team, error) && load_rows(team, hash_rows, result->tables, error) &&
         load_objects(team, result->tables, error) && restore_apply_stage(leader, STAGE_ACCESS, error) &&
         restore_apply_stage(leader, STAGE_LAST, error);
}

LoadResult *
backup_load(ArchiveReader *reader, const RestorePlan *plan, const LoadOptions *options, BackupProgress *progress,
            GCancellable *cancellable, GError **error)
{
  LoadState state = {0};
  RestoreOptions member = {.reader = reader,
                           .plan = plan,
                           .progress = progress,
                           .way = &load_way,
                           .way_state = &state,
                           .unit = RESTORE_BY_TRANSACTION};
  g_autoptr(LoadTeam) team = load_team_new(&member, options, cancellable, error);
  if (team == NULL)
    return NULL;
  g_autoptr(LoadResult) result = g_new0(LoadResult, 1);
  result->tables = g_array_new(FALSE, FALSE, sizeof(LoadedTable));
  gboolean ok = load_all(team, &state, options->hash_rows, result, error);
  g_clear_pointer(&state.extensions, g_hash_table_unref);
  return ok ? g_steal_pointer(&result) : NULL;
}
