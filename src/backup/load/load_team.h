/* The connections of a load: one that leads, used on the caller's thread, and some that work, each on a thread of its
 * own. All heed one cancellable, which the caller's triggers, and so does the first of them that fails. */
#pragma once

#include "backup/load/load.h"
#include "backup/restore/way.h"

typedef struct LoadTeam LoadTeam;

/* Connects all; each member's restore is made as `member` says, but for connection and cancellable. A server that is
 * out of connections makes the team smaller; only leader and first worker must be. */
LoadTeam *load_team_new(const RestoreOptions *member, const LoadOptions *options, GCancellable *cancellable,
                        GError **error);
void load_team_free(LoadTeam *team);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadTeam, load_team_free)

Restore *load_team_leader(const LoadTeam *team);
guint load_team_n_workers(const LoadTeam *team);

/* What the archive sets for its session (encoding, quoting of strings), on the workers' sessions. */
gboolean load_team_begin_sessions(LoadTeam *team, GError **error);

typedef gboolean (*LoadFunc)(Restore *restore, gpointer user_data, GError **error);
typedef void (*LoadStopFunc)(gpointer user_data);

/* Runs `work` with every worker and `lead` (NULL: none) with the leader, and returns when all have returned. When one
 * fails, or the load is cancelled, `stop` is called, on any thread, so that those who wait for each other give up; the
 * first failure is the error. */
gboolean load_team_run(LoadTeam *team, LoadFunc work, LoadFunc lead, LoadStopFunc stop, gpointer user_data,
                       GError **error);
