/* Decides which entries may be created while others are in progress, by pg_restore's rules for its parallel phase
 * (pg_backup_archiver.c, PostgreSQL 12 to 18: fix_dependencies, identify_locking_dependencies, pop_next_work_item).
 *
 * An entry waits for its dependencies. Every entry except a plain index is assumed to lock the relations that it
 * depends on exclusively, and never runs beside another entry that depends on one of these. Among the entries that
 * may run, the one over the most rows comes first, so that no long one is left alone at the end. */
#pragma once

#include "backup/plan/plan.h"

typedef struct LoadGraph LoadGraph;

/* `steps` (RestoreStep) are in the archive's order and must not change. `weights` (dump ID -> guint64 *): the bytes
 * of the tables. */
LoadGraph *load_graph_new(const ArchiveReader *reader, const GPtrArray *steps, GHashTable *weights);
void load_graph_free(LoadGraph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadGraph, load_graph_free)

/* Takes the next step to run, with a handle to finish it; NULL if none may run now. If steps depend on each other in
 * a cycle and nothing runs, the archive's order decides. */
const RestoreStep *load_graph_take(LoadGraph *graph, guint *ret_handle);
void load_graph_finish(LoadGraph *graph, guint handle);

/* How many other steps run beside a running one, plus how many more may, over at least half as many bytes; counted
 * up to `max`. */
guint load_graph_n_beside(const LoadGraph *graph, guint handle, guint max);

/* The bytes of the largest table that the step depends on. */
guint64 load_graph_weight(const LoadGraph *graph, guint handle);

/* The number of unfinished steps. */
guint load_graph_n_left(const LoadGraph *graph);
