/* Loads the rows, read on one thread and copied by all workers, and the rest of the data section. */
#pragma once

#include "backup/load/load_team.h"

/* Applies the plan's data stage. `tables` (LoadedTable) gets the loaded tables. */
gboolean load_rows(LoadTeam *team, gboolean hash_rows, GArray *tables, GError **error);
