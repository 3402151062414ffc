#include "backup/swap/swap_choice.h"

#include "backup/plan/entry_sql.h"
#include "backup/side/side_database.h"
#include "backup/swap/disk_space.h"
#include "backup_sql.h"
#include "base/error.h"
#include "base/text.h"

#include <string.h>

enum { MAX_REASONS = 3 }; /* in one message */

/* The texts for the results of swap_obstacles.sql. */
static const struct {
  const char *code;
  TextId text;
} obstacles[] = {
    {"createdb", TEXT_SWAP_NO_CREATEDB},
    {"owner", TEXT_SWAP_NOT_OWNER},
    {"template", TEXT_SWAP_TEMPLATE},
    {"public", TEXT_SWAP_PUBLIC},
    {"public old", TEXT_SWAP_PUBLIC_OLD},
    {"schema", TEXT_SWAP_SCHEMA},
    {"object", TEXT_SWAP_OBJECT},
    {"extension", TEXT_SWAP_EXTENSION},
    {"large objects", TEXT_SWAP_LARGE_OBJECTS},
    {"default privileges", TEXT_SWAP_DEFAULT_PRIVILEGES},
    {"subscription", TEXT_SWAP_SUBSCRIPTION},
    {"replication slot", TEXT_SWAP_REPLICATION_SLOT},
    {"prepared transaction", TEXT_SWAP_PREPARED_TRANSACTION},
};

/* The letter in pg_default_acl.defaclobjtype for the tag "DEFAULT PRIVILEGES FOR TABLES". */
static char
default_acl_letter(const char *tag)
{
  static const struct {
    const char *suffix;
    char letter;
  } kinds[] = {{" TABLES", 'r'}, {" SEQUENCES", 'S'}, {" FUNCTIONS", 'f'},
               {" TYPES", 'T'},  {" SCHEMAS", 'n'},   {" LARGE OBJECTS", 'L'}};
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (g_str_has_suffix(tag, kinds[i].suffix))
      return kinds[i].letter;
  return '?';
}

/* "KIND name" of all objects in the archive, as text[]; identifies objects outside schemas. */
static char *
names_of_archive(const RestorePlan *plan)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; i < plan->steps->len; i++) {
    const TocEntry *entry = g_array_index(plan->steps, RestoreStep, i).entry;
    const char *schema = entry->namespace_name != NULL ? entry->namespace_name : "";
    if (entry->tag == NULL)
      continue;
    if (toc_entry_is(entry, TOC_KIND_DEFAULT_ACL))
      g_ptr_array_add(names, g_strdup_printf("DEFAULT ACL %c %s %s", default_acl_letter(entry->tag), schema,
                                             entry->owner != NULL ? entry->owner : ""));
    else if (*schema == '\0' || toc_entry_is(entry, TOC_KIND_CAST) || toc_entry_is(entry, TOC_KIND_TRANSFORM))
      g_ptr_array_add(names, g_strdup_printf("%s %s", entry->desc, entry->tag));
  }
  g_ptr_array_add(names, NULL);
  return pg_array((const char *const *)names->pdata);
}

static char *
large_objects_of_archive(const RestorePlan *plan, GError **error)
{
  GString *array = g_string_new("{");
  for (guint i = 0; i < plan->steps->len; i++) {
    const RestoreStep *step = &g_array_index(plan->steps, RestoreStep, i);
    g_autoptr(GArray) oids = NULL;
    if (step->kind != STEP_LARGE_OBJECTS)
      continue;
    if (!entry_large_objects(step->entry, &oids, error)) {
      g_string_free(array, TRUE);
      return NULL;
    }
    for (guint j = 0; j < oids->len; j++)
      g_string_append_printf(array, "%s%u", array->len > 1 ? "," : "", g_array_index(oids, guint32, j));
  }
  g_string_append_c(array, '}');
  return g_string_free(array, FALSE);
}

static PgResult *
find_obstacles(PgConnection *connection, const RestorePlan *plan, GError **error)
{
  if (plan == NULL)
    return pg_connection_query(connection, error, backup_swap_obstacles_sql, 3, NULL, NULL, NULL);
  g_autofree char *large_objects = large_objects_of_archive(plan, error);
  if (large_objects == NULL)
    return NULL;
  g_autofree char *schemas = pg_array((const char *const *)plan->schemas);
  g_autofree char *names = names_of_archive(plan);
  return pg_connection_query(connection, error, backup_swap_obstacles_sql, 3, schemas, names, large_objects);
}

static char *
put_in_words(const PgResult *found, Language language)
{
  GString *reason = g_string_new(NULL);
  guint n_rows = pg_result_rows(found);
  for (guint row = 0; row < MIN(n_rows, MAX_REASONS); row++) {
    for (gsize i = 0; i < G_N_ELEMENTS(obstacles); i++) {
      if (strcmp(obstacles[i].code, pg_result_text(found, row, 0)) != 0)
        continue;
      g_autofree char *text = text_format(obstacles[i].text, language, pg_result_text(found, row, 1));
      g_string_append_printf(reason, "%s%s", row > 0 ? "; " : "", text);
    }
  }
  if (n_rows > MAX_REASONS)
    g_string_append(reason, "; …");
  return g_string_free(reason, FALSE);
}

gboolean
swap_choice_reason(PgConnection *connection, const char *dsn, PgPool *pool, const RestorePlan *plan, Language language,
                   char **ret_reason, GError **error)
{
  g_autoptr(PgResult) found = find_obstacles(connection, plan, error);
  if (found == NULL)
    return FALSE;
  if (pg_result_rows(found) > 0) {
    *ret_reason = put_in_words(found, language);
    return TRUE;
  }
  g_autoptr(GError) failure = NULL;
  gboolean is_possible = side_database_maintenance_probe(connection, dsn, pool, &failure);
  *ret_reason = is_possible ? NULL : text_format(TEXT_SWAP_NO_MAINTENANCE, language, failure->message);
  return TRUE;
}

gboolean
swap_choice_check_space(PgConnection *live, const RestorePlan *plan, ArchiveReader *reader, GCancellable *cancellable,
                        guint64 *ret_bytes, gboolean *ret_is_known, GError **error)
{
  return disk_space_needed(live, plan, reader, cancellable, ret_bytes, error) &&
         disk_space_check(live, *ret_bytes, ret_is_known, error);
}
