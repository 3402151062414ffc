/* The post-data of a load: indexes, constraints, triggers and the like, made side by side. */
#pragma once

#include "backup/load/load_team.h"

/* Applies the plan's post-data stage. `tables` (LoadedTable): what was loaded, which tells the large tables. */
gboolean load_objects(LoadTeam *team, const GArray *tables, GError **error);
