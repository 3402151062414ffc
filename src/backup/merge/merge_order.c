#include "backup/merge/merge_private.h"

#include "backup_sql.h"

typedef struct {
  const RestoreStep *step;
  char *name;         /* schema.table; NULL for steps without rows */
  GPtrArray *parents; /* Node; not owned */
  enum { NODE_NEW, NODE_OPEN, NODE_DONE } state;
} Node;

static void
node_free(gpointer data)
{
  Node *node = data;
  g_free(node->name);
  g_ptr_array_unref(node->parents);
  g_free(node);
}

static char *
table_key(const char *schema, const char *table)
{
  return g_strdup_printf("%s.%s", schema != NULL ? schema : "", table);
}

/* Depth-first search. Returns nodes with parents first, except for edges that close a cycle. The depth is bounded by
 * the number of tables, and each level needs a few words of the stack. */
static void
visit_table(Node *root, GPtrArray *sorted)
{
  g_autoptr(GPtrArray) stack = g_ptr_array_new();
  g_ptr_array_add(stack, root);
  while (stack->len > 0) {
    Node *node = stack->pdata[stack->len - 1];
    if (node->state == NODE_NEW) {
      node->state = NODE_OPEN;
      for (guint i = 0; i < node->parents->len; i++)
        if (((Node *)node->parents->pdata[i])->state == NODE_NEW)
          g_ptr_array_add(stack, node->parents->pdata[i]);
      continue;
    }
    g_ptr_array_set_size(stack, (gint)stack->len - 1);
    if (node->state == NODE_OPEN) {
      node->state = NODE_DONE;
      g_ptr_array_add(sorted, node);
    }
  }
}

static GPtrArray *
make_nodes(GPtrArray *steps, GHashTable *by_name)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func(node_free);
  for (guint i = 0; i < steps->len; i++) {
    Node *node = g_new0(Node, 1);
    node->step = steps->pdata[i];
    node->parents = g_ptr_array_new();
    if (node->step->kind == STEP_ROWS) {
      node->name = table_key(node->step->entry->namespace_name, node->step->entry->tag);
      g_hash_table_insert(by_name, node->name, node);
    }
    g_ptr_array_add(nodes, node);
  }
  return nodes;
}

/* The rows' steps in order: each table's position, from 1, by its name. */
static GHashTable *
sort_steps(GPtrArray *steps, const PgResult *keys)
{
  g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GPtrArray) nodes = make_nodes(steps, by_name);
  for (guint i = 0; i < pg_result_rows(keys); i++) {
    g_autofree char *child = table_key(pg_result_text(keys, i, 0), pg_result_text(keys, i, 1));
    g_autofree char *parent = table_key(pg_result_text(keys, i, 2), pg_result_text(keys, i, 3));
    Node *child_node = g_hash_table_lookup(by_name, child);
    Node *parent_node = g_hash_table_lookup(by_name, parent);
    if (child_node != NULL && parent_node != NULL)
      g_ptr_array_add(child_node->parents, parent_node);
  }
  /* The hub's ledger comes before its log: rows that the ledger has need not be added again. */
  Node *log = g_hash_table_lookup(by_name, "public." LOG_TABLE);
  Node *ledger = g_hash_table_lookup(by_name, "public.usage_ledger");
  if (log != NULL && ledger != NULL)
    g_ptr_array_add(log->parents, ledger);
  g_autoptr(GPtrArray) sorted = g_ptr_array_new();
  for (guint i = 0; i < nodes->len; i++)
    if (((Node *)nodes->pdata[i])->state == NODE_NEW)
      visit_table(nodes->pdata[i], sorted);

  GHashTable *positions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < sorted->len; i++) {
    Node *node = sorted->pdata[i];
    steps->pdata[i] = (gpointer)node->step;
    if (node->name != NULL)
      g_hash_table_insert(positions, g_strdup(node->name), GUINT_TO_POINTER(i + 1));
  }
  return positions;
}

/* The child of a foreign key whose rows come before its parent's; NULL if they do not. Free with g_free. */
static char *
backward_child(const PgResult *keys, guint i, GHashTable *positions)
{
  g_autofree char *child = table_key(pg_result_text(keys, i, 0), pg_result_text(keys, i, 1));
  g_autofree char *parent = table_key(pg_result_text(keys, i, 2), pg_result_text(keys, i, 3));
  guint child_position = GPOINTER_TO_UINT(g_hash_table_lookup(positions, child));
  guint parent_position = GPOINTER_TO_UINT(g_hash_table_lookup(positions, parent));
  return child_position != 0 && child_position < parent_position ? g_steal_pointer(&child) : NULL;
}

gboolean
merge_order_rows(Restore *restore, GPtrArray *steps, GError **error)
{
  g_autoptr(PgResult) keys = pg_connection_query(restore_connection(restore), error, backup_merge_foreign_keys_sql, 0);
  if (keys == NULL)
    return FALSE;
  g_autoptr(GHashTable) positions = sort_steps(steps, keys);
  for (guint i = 0; i < pg_result_rows(keys); i++) {
    g_autofree char *child = backward_child(keys, i, positions);
    if (child == NULL)
      continue;
    backup_progress_warn(restore_progress(restore), TEXT_IMPORT_CYCLE_LOCKED, child);
    if (!merge_switch_off(restore, pg_result_text(keys, i, 4), pg_result_text(keys, i, 5), error))
      return FALSE;
  }
  return TRUE;
}

gboolean
merge_cyclic_tables(Restore *restore, GHashTable **ret_tables, GError **error)
{
  g_autoptr(PgResult) keys = pg_connection_query(restore_connection(restore), error, backup_merge_foreign_keys_sql, 0);
  if (keys == NULL)
    return FALSE;
  const GArray *planned = restore_plan(restore)->steps;
  g_autoptr(GPtrArray) steps = g_ptr_array_new();
  for (guint i = 0; i < planned->len; i++)
    if (g_array_index(planned, RestoreStep, i).kind == STEP_ROWS)
      g_ptr_array_add(steps, &g_array_index(planned, RestoreStep, i));
  g_autoptr(GHashTable) positions = sort_steps(steps, keys);
  *ret_tables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < pg_result_rows(keys); i++) {
    char *child = backward_child(keys, i, positions);
    if (child != NULL)
      g_hash_table_add(*ret_tables, child);
  }
  return TRUE;
}
