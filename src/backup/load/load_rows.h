/* The rows of a load: read on one thread, loaded by all workers; and what else its data section holds. */
#pragma once

#include "backup/load/load_team.h"

/* Applies the plan's data stage. `tables` (LoadedTable) gets what was loaded. */
gboolean load_rows(LoadTeam *team, gboolean hash_rows, GArray *tables, GError **error);
