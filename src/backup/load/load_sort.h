/* How much memory an index's build sorts in, as maintenance_work_mem.
 *
 * The server sorts runs of that size and merges them (tuplesort.c, PostgreSQL 12 to 18). The sort's comparisons jump
 * about in a run, so that one which fits the processor's second-level cache is sorted in two thirds of the time that a
 * run of 64 MB takes; merging reads in order and costs little (docs/benchmarks.md). With less than 32 MB a process the
 * server also builds without parallel workers (nbtsort.c, _bt_begin_parallel; planner.c, plan_create_index_workers),
 * which is cheaper where every processor has an index of its own to build, and slower where it has not. */
#pragma once

#include "pg/connection/connection.h"

/* What the server is set to for this session, in kB: what the administrator allows. */
gboolean load_sort_configured_kb(PgConnection *connection, guint *ret_kb, GError **error);

/* For an index of a table with so many bytes as COPY text, built beside others; never more than is configured. */
guint load_sort_kb(guint64 table_bytes, guint configured_kb);
