#include "backup/load/load_graph.h"

#include <string.h>

/* How many ready steps are examined for one that may run: an archive may have a million. */
enum { MAX_LOOKED_AT = 1000 };

typedef enum { NODE_WAITING, NODE_READY, NODE_RUNNING, NODE_DONE } NodeState;

typedef struct {
  const RestoreStep *step;
  NodeState state;
  guint n_awaited;    /* unfinished dependencies within this graph */
  GArray *dependents; /* guint: nodes that wait for this one; NULL: none */
  guint64 weight;
  gboolean is_exclusive;
} Node;

struct LoadGraph {
  const ArchiveReader *reader;
  GArray *nodes;      /* Node, in the archive's order */
  GSequence *ready;   /* node index, by weight, then by the archive's order */
  GHashTable *used;   /* dump ID of a relation -> number of running nodes that depend on it */
  GHashTable *locked; /* dump ID of a relation -> number of running nodes that lock it exclusively */
  guint n_running, n_left;
  guint first_waiting; /* no node before this one is waiting */
};

static Node *
node_at(const LoadGraph *graph, guint index)
{
  return &g_array_index(graph->nodes, Node, index);
}

/* ---- Locks ---- */

static gboolean
is_relation(const LoadGraph *graph, int dump_id)
{
  const TocEntry *entry = archive_reader_find(graph->reader, dump_id);
  return entry != NULL && toc_entry_has(entry, TOC_RELATION);
}

/* Replaces the TABLE DATA entry of a table by the table. */
static int
relation_of(const LoadGraph *graph, int dump_id)
{
  const TocEntry *entry = archive_reader_find(graph->reader, dump_id);
  return toc_entry_is(entry, TOC_KIND_TABLE_DATA) && entry->n_dependencies > 0 ? entry->dependencies[0] : dump_id;
}

/* CREATE INDEX allows other index builds on the same table, unless an ALTER TABLE follows it in the same entry
 * (CLUSTER ON, REPLICA IDENTITY). */
static gboolean
locks_exclusively(const TocEntry *entry)
{
  return !toc_entry_is(entry, TOC_KIND_INDEX) || strstr(entry->defn, "ALTER TABLE") != NULL;
}

static guint
count_of(GHashTable *counts, int dump_id)
{
  return GPOINTER_TO_UINT(g_hash_table_lookup(counts, GINT_TO_POINTER(dump_id)));
}

static void
add_to_count(GHashTable *counts, int dump_id, int n)
{
  guint count = (guint)((int)count_of(counts, dump_id) + n);
  if (count > 0)
    g_hash_table_insert(counts, GINT_TO_POINTER(dump_id), GUINT_TO_POINTER(count));
  else
    g_hash_table_remove(counts, GINT_TO_POINTER(dump_id));
}

static void
note_locks(LoadGraph *graph, const Node *node, int n)
{
  const TocEntry *entry = node->step->entry;
  for (guint i = 0; i < entry->n_dependencies; i++) {
    if (!is_relation(graph, entry->dependencies[i]))
      continue;
    int relation = relation_of(graph, entry->dependencies[i]);
    add_to_count(graph->used, relation, n);
    if (node->is_exclusive)
      add_to_count(graph->locked, relation, n);
  }
}

static gboolean
conflicts(const LoadGraph *graph, const Node *node)
{
  const TocEntry *entry = node->step->entry;
  for (guint i = 0; i < entry->n_dependencies; i++) {
    if (!is_relation(graph, entry->dependencies[i]))
      continue;
    int relation = relation_of(graph, entry->dependencies[i]);
    if (count_of(node->is_exclusive ? graph->used : graph->locked, relation) > 0)
      return TRUE;
  }
  return FALSE;
}

/* ---- Order ---- */

static gint
compare_nodes(gconstpointer a, gconstpointer b, gpointer user_data)
{
  const LoadGraph *graph = user_data;
  guint index_a = GPOINTER_TO_UINT(a), index_b = GPOINTER_TO_UINT(b);
  guint64 weight_a = node_at(graph, index_a)->weight, weight_b = node_at(graph, index_b)->weight;
  if (weight_a != weight_b)
    return weight_a > weight_b ? -1 : 1;
  return index_a < index_b ? -1 : index_a > index_b;
}

static void
make_ready(LoadGraph *graph, guint index)
{
  node_at(graph, index)->state = NODE_READY;
  g_sequence_insert_sorted(graph->ready, GUINT_TO_POINTER(index), compare_nodes, graph);
}

static void
add_dependent(Node *node, guint dependent)
{
  if (node->dependents == NULL)
    node->dependents = g_array_new(FALSE, FALSE, sizeof(guint));
  g_array_append_val(node->dependents, dependent);
}

/* Counts what each node waits for. `index_by_id`: dump ID -> node index + 1. */
static void
connect_nodes(LoadGraph *graph, GHashTable *index_by_id, GHashTable *weights)
{
  for (guint i = 0; i < graph->nodes->len; i++) {
    Node *node = node_at(graph, i);
    const TocEntry *entry = node->step->entry;
    for (guint j = 0; j < entry->n_dependencies; j++) {
      gpointer id = GINT_TO_POINTER(entry->dependencies[j]);
      guint found = GPOINTER_TO_UINT(g_hash_table_lookup(index_by_id, id));
      if (found > 0 && found - 1 != i) {
        add_dependent(node_at(graph, found - 1), i);
        node->n_awaited++;
      }
      const guint64 *weight = g_hash_table_lookup(weights, id);
      if (weight != NULL)
        node->weight = MAX(node->weight, *weight);
    }
  }
}

static void
clear_node(gpointer data)
{
  g_clear_pointer(&((Node *)data)->dependents, g_array_unref);
}

LoadGraph *
load_graph_new(const ArchiveReader *reader, const GPtrArray *steps, GHashTable *weights)
{
  LoadGraph *graph = g_new0(LoadGraph, 1);
  graph->reader = reader;
  graph->nodes = g_array_sized_new(FALSE, FALSE, sizeof(Node), steps->len);
  g_array_set_clear_func(graph->nodes, clear_node);
  graph->ready = g_sequence_new(NULL);
  graph->used = g_hash_table_new(NULL, NULL);
  graph->locked = g_hash_table_new(NULL, NULL);
  graph->n_left = steps->len;
  g_autoptr(GHashTable) index_by_id = g_hash_table_new(NULL, NULL);
  for (guint i = 0; i < steps->len; i++) {
    const RestoreStep *step = steps->pdata[i];
    Node node = {.step = step, .is_exclusive = locks_exclusively(step->entry)};
    g_array_append_val(graph->nodes, node);
    g_hash_table_insert(index_by_id, GINT_TO_POINTER(step->entry->dump_id), GUINT_TO_POINTER(i + 1));
  }
  connect_nodes(graph, index_by_id, weights);
  for (guint i = 0; i < steps->len; i++)
    if (node_at(graph, i)->n_awaited == 0)
      make_ready(graph, i);
  return graph;
}

void
load_graph_free(LoadGraph *graph)
{
  if (graph == NULL)
    return;
  g_array_unref(graph->nodes);
  g_sequence_free(graph->ready);
  g_hash_table_unref(graph->used);
  g_hash_table_unref(graph->locked);
  g_free(graph);
}

static void
break_circle(LoadGraph *graph)
{
  while (node_at(graph, graph->first_waiting)->state != NODE_WAITING)
    graph->first_waiting++;
  make_ready(graph, graph->first_waiting);
}

const RestoreStep *
load_graph_take(LoadGraph *graph, guint *ret_handle)
{
  if (graph->n_left == 0)
    return NULL;
  if (graph->n_running == 0 && g_sequence_is_empty(graph->ready))
    break_circle(graph);
  GSequenceIter *at = g_sequence_get_begin_iter(graph->ready);
  for (guint i = 0; i < MAX_LOOKED_AT && !g_sequence_iter_is_end(at); i++, at = g_sequence_iter_next(at)) {
    guint index = GPOINTER_TO_UINT(g_sequence_get(at));
    Node *node = node_at(graph, index);
    if (conflicts(graph, node))
      continue;
    g_sequence_remove(at);
    node->state = NODE_RUNNING;
    graph->n_running++;
    note_locks(graph, node, 1);
    *ret_handle = index;
    return node->step;
  }
  return NULL;
}

void
load_graph_finish(LoadGraph *graph, guint handle)
{
  Node *node = node_at(graph, handle);
  node->state = NODE_DONE;
  graph->n_running--;
  graph->n_left--;
  note_locks(graph, node, -1);
  for (guint i = 0; node->dependents != NULL && i < node->dependents->len; i++) {
    guint dependent = g_array_index(node->dependents, guint, i);
    /* A node released from a cycle no longer waits. */
    if (--node_at(graph, dependent)->n_awaited == 0 && node_at(graph, dependent)->state == NODE_WAITING)
      make_ready(graph, dependent);
  }
}

/* Running nodes count whatever their size: each keeps a connection busy. */
guint
load_graph_n_beside(const LoadGraph *graph, guint handle, guint max)
{
  guint n = graph->n_running - 1;
  guint64 least = node_at(graph, handle)->weight / 2;
  GSequenceIter *at = g_sequence_get_begin_iter(graph->ready);
  for (guint i = 0; n < max && i < MAX_LOOKED_AT && !g_sequence_iter_is_end(at); i++, at = g_sequence_iter_next(at)) {
    const Node *node = node_at(graph, GPOINTER_TO_UINT(g_sequence_get(at)));
    if (node->weight < least)
      break;
    n += !conflicts(graph, node);
  }
  return MIN(n, max);
}

guint64
load_graph_weight(const LoadGraph *graph, guint handle)
{
  return node_at(graph, handle)->weight;
}

guint
load_graph_n_left(const LoadGraph *graph)
{
  return graph->n_left;
}
