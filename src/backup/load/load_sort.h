/* Chooses maintenance_work_mem, the memory in which an index build sorts.
 *
 * The server sorts runs of that size and merges them (tuplesort.c, PostgreSQL 12 to 18). Comparisons access a run at
 * random, so a run that fits the processor's second-level cache is sorted in two thirds of the time of a 64 MB run.
 * Merging reads in order and costs little (docs/benchmarks.md). With less than 32 MB per process the server also
 * builds without parallel workers (nbtsort.c, _bt_begin_parallel; planner.c, plan_create_index_workers). This is
 * cheaper if every processor has its own index to build, and slower otherwise. */
#pragma once

#include "pg/connection/connection.h"

/* This session's setting in kB: what the administrator allows. */
gboolean load_sort_configured_kb(PgConnection *connection, guint *ret_kb, GError **error);

/* For an index of a table with this many bytes as COPY text, built beside others; never more than configured. */
guint load_sort_kb(guint64 table_bytes, guint configured_kb);
