/* Creates the post-data of a load in parallel: indexes, constraints, triggers and the like. */
#pragma once

#include "backup/load/load_team.h"

/* Applies the plan's post-data stage. `tables` (LoadedTable) are the loaded tables, whose sizes set the order. */
gboolean load_objects(LoadTeam *team, const GArray *tables, GError **error);
