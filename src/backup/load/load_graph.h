/* Which of a set of entries may be made now, while others are in the making: pg_restore's rules for its parallel phase
 * (pg_backup_archiver.c, PostgreSQL 12 to 18: fix_dependencies, identify_locking_dependencies, pop_next_work_item).
 *
 * An entry waits for those it depends on. All but plain indexes are taken to lock the relations that they depend on
 * exclusively, and never run beside another that depends on one of these. Of those that may run, the one over the most
 * rows comes first, so that at the end no long one is left alone. */
#pragma once

#include "backup/plan/plan.h"

typedef struct LoadGraph LoadGraph;

/* `steps` (RestoreStep) in the archive's order, which must stay as they are. `weights` (dump ID -> guint64 *): the
 * bytes of the tables. */
LoadGraph *load_graph_new(const ArchiveReader *reader, const GPtrArray *steps, GHashTable *weights);
void load_graph_free(LoadGraph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadGraph, load_graph_free)

/* The next step to run, with a handle to finish it by; NULL when none may run now. Where steps depend on each other in
 * a circle and nothing runs, the archive's order decides. */
const RestoreStep *load_graph_take(LoadGraph *graph, guint *ret_handle);
void load_graph_finish(LoadGraph *graph, guint handle);

/* How many others run beside one that runs, and how many more may, over at least half as many bytes; counted up to
 * `max`. */
guint load_graph_n_beside(const LoadGraph *graph, guint handle, guint max);

/* The bytes of the largest table that it depends on. */
guint64 load_graph_weight(const LoadGraph *graph, guint handle);

/* Steps that are not finished. */
guint load_graph_n_left(const LoadGraph *graph);
