/* The connections of a load: a leader, used on the caller's thread, and workers, each on its own thread. All use one
 * cancellable, which is triggered by the caller's and by the first member that fails. */
#pragma once

#include "backup/load/load.h"
#include "backup/restore/way.h"

typedef struct LoadTeam LoadTeam;

/* Connects all members. Each member's restore has the options of `member`, except for connection and cancellable. If
 * the server runs out of connections, the team is smaller; only the leader and the first worker are required. */
LoadTeam *load_team_new(const RestoreOptions *member, const LoadOptions *options, GCancellable *cancellable,
                        GError **error);
void load_team_free(LoadTeam *team);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadTeam, load_team_free)

Restore *load_team_leader(const LoadTeam *team);
guint load_team_n_workers(const LoadTeam *team);

/* Applies the archive's session settings (encoding, quoting of strings) to the workers' sessions. */
gboolean load_team_begin_sessions(LoadTeam *team, GError **error);

typedef gboolean (*LoadFunc)(Restore *restore, gpointer user_data, GError **error);
typedef void (*LoadStopFunc)(gpointer user_data);

/* Runs `work` with every worker and `lead` (NULL: none) with the leader, and returns when all have returned. If one
 * fails, or the load is cancelled, `stop` is called, on any thread, to wake members that wait for each other. The
 * first failure is the error. */
gboolean load_team_run(LoadTeam *team, LoadFunc work, LoadFunc lead, LoadStopFunc stop, gpointer user_data,
                       GError **error);
