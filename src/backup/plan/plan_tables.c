#include "backup/plan/plan_tables.h"

#include "backup/plan/entry_sql.h"
#include "backup/plan/merge_choice.h"
#include "backup/plan/plan_dependents.h"

#include <string.h>

typedef enum {
  STATE_NONE,
  STATE_NEEDED, /* only the definition */
  STATE_CHOSEN  /* with everything that belongs to it */
} State;

struct PlanTables {
  gboolean is_everything;
  const ArchiveReader *reader;
  GHashTable *states;     /* TocEntry → State */
  GHashTable *dependents; /* from plan_dependents_new; NULL if everything is chosen */
  GHashTable *schemas;    /* name → its SCHEMA entry */
  GQueue queue;           /* entries whose dependencies and dependents have yet to be visited */
};

void
plan_tables_free(PlanTables *tables)
{
  g_hash_table_unref(tables->states);
  g_clear_pointer(&tables->dependents, g_hash_table_unref);
  g_hash_table_unref(tables->schemas);
  g_queue_clear(&tables->queue);
  g_free(tables);
}

static State
state_of(const PlanTables *tables, const TocEntry *entry)
{
  return (State)GPOINTER_TO_INT(g_hash_table_lookup(tables->states, entry));
}

static void
mark_entry(PlanTables *tables, const TocEntry *entry, State state)
{
  if (state_of(tables, entry) >= state)
    return;
  g_hash_table_insert(tables->states, (gpointer)entry, GINT_TO_POINTER(state));
  g_queue_push_tail(&tables->queue, (gpointer)entry);
}

static void
note_schemas(PlanTables *tables)
{
  for (guint i = 0; i < archive_reader_n_entries(tables->reader); i++) {
    const TocEntry *entry = archive_reader_entry(tables->reader, i);
    if (toc_entry_is(entry, TOC_KIND_SCHEMA) && entry->tag != NULL)
      g_hash_table_insert(tables->schemas, entry->tag, (gpointer)entry);
  }
}

/* The table that "ALTER TABLE ONLY users …" names without a schema; NULL for other statements. */
static char *
altered_table(const TocEntry *entry)
{
  static const char alter[] = "ALTER TABLE ONLY ";
  if (entry->defn == NULL || !g_str_has_prefix(entry->defn, alter))
    return NULL;
  const char *cursor = entry->defn + strlen(alter);
  return entry_read_identifier(&cursor);
}

/* "users users_pkey" belongs to table users. In archives of PostgreSQL 10 and older the tag is only "users_pkey": the
 * table is then the one that the statement alters, or else the first relation that it depends on. */
static gboolean
is_of_table(const PlanTables *tables, const TocEntry *entry, const TocEntry *table)
{
  if (entry_is_tagged_by(entry, table))
    return TRUE;
  g_autofree char *altered = altered_table(entry);
  const TocEntry *first = NULL;
  for (guint i = 0; i < entry->n_dependencies; i++) {
    const TocEntry *dependency = archive_reader_find(tables->reader, entry->dependencies[i]);
    if (dependency != NULL && entry_is_tagged_by(entry, dependency))
      return FALSE;
    if (first == NULL && dependency != NULL && toc_entry_has(dependency, TOC_RELATION))
      first = dependency;
  }
  if (altered != NULL)
    return g_strcmp0(altered, table->tag) == 0 && g_strcmp0(entry->namespace_name, table->namespace_name) == 0;
  return first == table;
}

/* ATTACH has the child's name as its tag. */
static void
choose_partition(PlanTables *tables, const TocEntry *attach)
{
  for (guint i = 0; i < attach->n_dependencies; i++) {
    const TocEntry *child = archive_reader_find(tables->reader, attach->dependencies[i]);
    if (child != NULL && toc_entry_is(child, TOC_KIND_TABLE) && g_strcmp0(child->tag, attach->tag) == 0)
      mark_entry(tables, child, STATE_CHOSEN);
  }
}

static void
take_dependents(PlanTables *tables, const TocEntry *entry, State state)
{
  const GPtrArray *dependents = g_hash_table_lookup(tables->dependents, GINT_TO_POINTER(entry->dump_id));
  for (guint i = 0; dependents != NULL && i < dependents->len; i++) {
    const TocEntry *dependent = dependents->pdata[i];
    if (!toc_entry_has(dependent, TOC_PART | TOC_FOLLOWS | TOC_TAGGED_BY_TABLE))
      continue;
    if (state == STATE_NEEDED && toc_entry_has(dependent, TOC_FOLLOWS))
      mark_entry(tables, dependent, STATE_NEEDED);
    if (state != STATE_CHOSEN ||
        (toc_entry_has(dependent, TOC_TAGGED_BY_TABLE) && !is_of_table(tables, dependent, entry)))
      continue;
    mark_entry(tables, dependent, STATE_CHOSEN);
    if (toc_entry_is(dependent, TOC_KIND_TABLE_ATTACH))
      choose_partition(tables, dependent);
  }
}

static void
take_needs(PlanTables *tables, const TocEntry *entry)
{
  const char *schema = entry->namespace_name;
  const TocEntry *schema_entry = schema != NULL ? g_hash_table_lookup(tables->schemas, schema) : NULL;
  if (schema_entry != NULL)
    mark_entry(tables, schema_entry, STATE_NEEDED);
  if (toc_entry_is(entry, TOC_KIND_FK_CONSTRAINT))
    return;
  for (guint i = 0; i < entry->n_dependencies; i++) {
    const TocEntry *dependency = archive_reader_find(tables->reader, entry->dependencies[i]);
    if (dependency != NULL)
      mark_entry(tables, dependency, STATE_NEEDED);
  }
}

PlanTables *
plan_tables_new(const ArchiveReader *reader, const char *const *names, GError **error)
{
  g_autoptr(PlanTables) tables = g_new0(PlanTables, 1);
  tables->reader = reader;
  tables->states = g_hash_table_new(NULL, NULL);
  tables->schemas = g_hash_table_new(g_str_hash, g_str_equal);
  tables->is_everything = names == NULL || *names == NULL;
  if (tables->is_everything)
    return g_steal_pointer(&tables);
  g_autoptr(GPtrArray) chosen = NULL;
  if (!backup_tables_find(reader, names, &chosen, error))
    return NULL;
  tables->dependents = plan_dependents_new(reader);
  note_schemas(tables);
  for (guint i = 0; i < chosen->len; i++)
    mark_entry(tables, chosen->pdata[i], STATE_CHOSEN);
  const TocEntry *entry;
  while ((entry = g_queue_pop_head(&tables->queue)) != NULL) {
    take_dependents(tables, entry, state_of(tables, entry));
    take_needs(tables, entry);
  }
  return g_steal_pointer(&tables);
}

/* Whether a dependency of the entry is left out. */
static gboolean
lacks_something(const PlanTables *tables, const TocEntry *entry)
{
  for (guint i = 0; i < entry->n_dependencies; i++) {
    const TocEntry *dependency = archive_reader_find(tables->reader, entry->dependencies[i]);
    if (dependency != NULL && state_of(tables, dependency) == STATE_NONE)
      return TRUE;
  }
  return FALSE;
}

PlanChoice
plan_tables_choice(const PlanTables *tables, const TocEntry *entry)
{
  if (tables->is_everything || toc_entry_has(entry, TOC_SESSION))
    return PLAN_CHOICE_WANTED;
  switch (state_of(tables, entry)) {
  case STATE_NONE:
    return PLAN_CHOICE_NONE;
  case STATE_NEEDED:
    /* The table that owns a merely needed sequence may not exist. */
    return toc_entry_is(entry, TOC_KIND_SEQUENCE_OWNED_BY) ? PLAN_CHOICE_LOOSE : PLAN_CHOICE_WANTED;
  case STATE_CHOSEN:
    return lacks_something(tables, entry) ? PLAN_CHOICE_LOOSE : PLAN_CHOICE_WANTED;
  }
  return PLAN_CHOICE_NONE;
}
