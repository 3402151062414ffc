/* How many processors this process may use. */
#pragma once

#include <glib.h>

/* The processors of its affinity, but no more than the quotas of its control groups give (cgroup v2, cpu.max); at
 * least 1. A container's limit is such a quota; g_get_num_processors() is the machine's number. */
guint processors_usable(void);

/* Processors that a quota gives, rounded up: "150000 100000" (microseconds in each period): 2. G_MAXUINT: no limit
 * ("max 100000"), or another text. */
guint processors_of_quota(const char *cpu_max);
