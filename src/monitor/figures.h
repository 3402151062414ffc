/* Reads the figures that are not of one process: from the database, the lock, Redis and the data directory. */
#pragma once

#include "config/config.h"
#include "monitor/samples.h"
#include "pg/connection/connection.h"

/* `connection` NULL: the database does not answer, which is a figure and no error. What cannot be read is left out.
 * Waits for Redis as redis_lock_probe does. */
void figures_add_shared(Samples *samples, PgConnection *connection, const Config *config);

/* Memory, processor time and the like of this process; `started_us` is real time. */
void figures_add_process(Samples *samples, gint64 started_us);
