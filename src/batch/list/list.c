#include "batch/list/list.h"

#include "base/cursor.h"
#include "base/error.h"
#include "base/json.h"
#include "batch/rows/rows.h"
#include "batch_sql.h"

#include <string.h>

/* Parameter positions of list_choose.sql and the entities' statements. */
enum { SORT, ORDER, TEXT_KEY, NUMBER_KEY, LAST_ID, LIMIT, N_FRAME, MAX_PARAMETERS = N_FRAME + 16 };

enum { MAX_ATTEMPTS = 2 /* after a change of the schema */ };

/* In the statements of the same order. */
static const char *const sorts[BATCH_N_ENTITIES][14] = {
    [BATCH_USERS] = {"createdAt", "id", "name", "tags", "role", "expiresAt", "rpm", "limit5hUsd", "limitDailyUsd",
                     "limitWeeklyUsd", "limitMonthlyUsd"},
    [BATCH_KEYS] = {"createdAt", "id", "name", "userName", "userId", "providerGroup", "expiresAt", "limit5hUsd",
                    "limitDailyUsd", "limitWeeklyUsd", "limitMonthlyUsd"},
    [BATCH_PROVIDERS] = {"createdAt", "id", "name", "groupTag", "providerType", "priority", "weight", "costMultiplier"},
};

/* The parameters of list_choose.sql, bound. */
typedef struct {
  char *sql;
  const char *values[MAX_PARAMETERS];
  guint n;
  Cursor cursor;
  char last_id[24], limit[24];
} Choice;

static void
choice_clear(Choice *choice)
{
  g_free(choice->sql);
  cursor_clear(&choice->cursor);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Choice, choice_clear)

static const char *
chosen_sql(BatchEntity entity)
{
  const char *const statements[BATCH_N_ENTITIES] = {batch_list_users_sql, batch_list_keys_sql, batch_list_providers_sql,
                                                    NULL};
  return statements[entity];
}

static const char *
items_sql(BatchEntity entity)
{
  const char *const statements[BATCH_N_ENTITIES] = {batch_list_user_items_sql, batch_list_key_items_sql,
                                                    batch_list_provider_items_sql, NULL};
  return statements[entity];
}

/* One of `sorts`; NULL with an error that lists them. */
static const char *
find_sort(BatchEntity entity, const char *name, GError **error)
{
  if (name == NULL || g_strv_contains(sorts[entity], name))
    return name != NULL ? name : sorts[entity][0];
  g_autofree char *names = g_strjoinv(", ", (char **)sorts[entity]);
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "sortBy must be one of %s, not \"%.64s\"", names, name);
  return NULL;
}

static gboolean
read_order(const char *order, gboolean *ret_is_descending, GError **error)
{
  *ret_is_descending = g_strcmp0(order, "desc") == 0;
  if (order == NULL || *ret_is_descending || strcmp(order, "asc") == 0)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "sortOrder must be asc or desc, not \"%.64s\"", order);
  return FALSE;
}

/* `limit` 0: all rows, from the first. */
static gboolean
choice_make(Choice *choice, const BatchFilter *filter, const BatchPage *page, guint limit, GError **error)
{
  BatchEntity entity = batch_filter_entity(filter);
  gboolean is_descending = FALSE;
  const char *sort = find_sort(entity, page->sort, error);
  if (sort == NULL || !read_order(page->order, &is_descending, error))
    return FALSE;
  choice->values[SORT] = sort;
  choice->values[ORDER] = is_descending ? "desc" : "asc";
  if (limit > 0 && page->cursor != NULL) {
    if (!cursor_read(page->cursor, sort, is_descending, &choice->cursor, error))
      return FALSE;
    g_snprintf(choice->last_id, sizeof choice->last_id, "%" G_GINT64_FORMAT, choice->cursor.id);
    choice->values[LAST_ID] = choice->last_id;
  }
  choice->values[TEXT_KEY] = choice->cursor.text_key;
  choice->values[NUMBER_KEY] = choice->cursor.number_key;
  g_snprintf(choice->limit, sizeof choice->limit, "%u", limit);
  choice->values[LIMIT] = limit > 0 ? choice->limit : NULL;
  guint n = 0;
  const char *const *conditions = batch_filter_values(filter, &n);
  g_assert(N_FRAME + n <= MAX_PARAMETERS);
  memcpy(choice->values + N_FRAME, conditions, n * sizeof *conditions);
  choice->n = N_FRAME + n;
  g_auto(GStrv) parts = g_strsplit(batch_list_choose_sql, "\n{chosen}\n", 2);
  choice->sql = g_strjoin("\n", parts[0], chosen_sql(entity), parts[1], NULL);
  return TRUE;
}

/* Rows of id, text key, number key and total. */
static PgResult *
choose_rows(PgConnection *connection, BatchFilter *filter, const char *redis_url, const BatchPage *page, guint limit,
            GError **error)
{
  g_auto(Choice) choice = {0};
  if (!batch_filter_resolve(filter, connection, redis_url, error) || !choice_make(&choice, filter, page, limit, error))
    return NULL;
  return pg_connection_queryv(connection, error, choice.sql, choice.n, choice.values);
}

/* An empty page has one row without an id. */
static guint
n_ids(const PgResult *chosen)
{
  return pg_result_text(chosen, 0, 0) != NULL ? pg_result_rows(chosen) : 0;
}

GArray *
batch_list_ids(PgConnection *connection, BatchFilter *filter, const char *redis_url, GError **error)
{
  const BatchPage page = {.sort = "id"};
  g_autoptr(PgResult) chosen = choose_rows(connection, filter, redis_url, &page, 0, error);
  if (chosen == NULL)
    return NULL;
  guint n = n_ids(chosen);
  GArray *ids = g_array_sized_new(FALSE, FALSE, sizeof(gint64), n);
  for (guint i = 0; i < n; i++) {
    gint64 id = pg_result_int64(chosen, i, 0);
    g_array_append_val(ids, id);
  }
  return ids;
}

/* "1,2,3" from the first n. */
static GString *
join_ids(const PgResult *chosen, guint n)
{
  GString *ids = g_string_new(NULL);
  for (guint i = 0; i < n; i++)
    g_string_append_printf(ids, "%s%s", i > 0 ? "," : "", pg_result_text(chosen, i, 0));
  return ids;
}

char *
batch_list_ids_json(PgConnection *connection, BatchFilter *filter, const char *redis_url, const BatchPage *page,
                    GError **error)
{
  g_autoptr(PgResult) chosen = choose_rows(connection, filter, redis_url, page, 0, error);
  if (chosen == NULL)
    return NULL;
  guint n = MIN(n_ids(chosen), BATCH_LIST_MAX_IDS);
  g_autoptr(GString) ids = join_ids(chosen, n);
  return g_strdup_printf("{\"ids\":[%s],\"total\":%s,\"hasMore\":%s}", ids->str, pg_result_text(chosen, 0, 3),
                         n_ids(chosen) > n ? "true" : "false");
}

static char *
cursor_after(const PgResult *chosen, guint row, const BatchPage *page, BatchEntity entity)
{
  const Cursor cursor = {.sort = (char *)(page->sort != NULL ? page->sort : sorts[entity][0]),
                         .is_descending = g_strcmp0(page->order, "desc") == 0,
                         .text_key = (char *)pg_result_text(chosen, row, 1),
                         .number_key = (char *)pg_result_text(chosen, row, 2),
                         .id = pg_result_int64(chosen, row, 0)};
  return cursor_write(&cursor);
}

PgResult *
batch_list_items(PgConnection *connection, BatchEntity entity, const char *ids, GError **error)
{
  return pg_connection_query(connection, error, items_sql(entity), 1, ids);
}

/* Reads one row more than the page holds, to see whether there are more. */
static char *
page_json(PgConnection *connection, const PgResult *chosen, BatchEntity entity, const BatchPage *page, GError **error)
{
  guint n = MIN(n_ids(chosen), page->limit);
  g_autoptr(GString) ids = join_ids(chosen, n);
  g_string_prepend_c(ids, '{');
  g_string_append_c(ids, '}');
  g_autoptr(PgResult) items = batch_list_items(connection, entity, ids->str, error);
  if (items == NULL)
    return NULL;
  g_autoptr(GPtrArray) texts = g_ptr_array_new();
  for (guint i = 0; i < pg_result_rows(items); i++)
    g_ptr_array_add(texts, (gpointer)pg_result_text(items, i, 1));
  g_autofree char *cursor = n_ids(chosen) > n ? cursor_after(chosen, n - 1, page, entity) : NULL;
  return cursor_page(texts, cursor, page->limit, pg_result_text(chosen, 0, 3));
}

/* Both statements share a snapshot, so no row of the page disappears between them. */
static gboolean
begin_snapshot(PgConnection *connection, GError **error)
{
  return pg_connection_exec(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", error);
}

static char *
read_page(PgConnection *connection, BatchFilter *filter, const char *redis_url, const BatchPage *page, GError **error)
{
  if (!begin_snapshot(connection, error))
    return NULL;
  g_autoptr(PgResult) chosen = choose_rows(connection, filter, redis_url, page, page->limit + 1, error);
  return chosen != NULL ? page_json(connection, chosen, batch_filter_entity(filter), page, error) : NULL;
}

char *
batch_list_page(PgConnection *connection, BatchFilter *filter, const char *redis_url, const BatchPage *page,
                GError **error)
{
  pg_connection_repeats_conflicts(connection);
  for (guint attempt = 1;; attempt++) {
    g_autoptr(GError) failure = NULL;
    char *json = read_page(connection, filter, redis_url, page, &failure);
    pg_connection_rollback(connection);
    if (json != NULL)
      return json;
    if (attempt == MAX_ATTEMPTS || error_code(failure) != CCH_ERROR_DATABASE_CONFLICT) {
      g_propagate_error(error, g_steal_pointer(&failure));
      return NULL;
    }
  }
}

gboolean
batch_list_open(PgConnection *connection, BatchFilter *filter, const char *redis_url, const BatchPage *page,
                GError **error)
{
  g_auto(Choice) choice = {0};
  if (!begin_snapshot(connection, error) || !batch_filter_resolve(filter, connection, redis_url, error) ||
      !choice_make(&choice, filter, page, 0, error))
    return FALSE;
  g_autofree char *sql = g_strconcat("DECLARE chosen NO SCROLL CURSOR FOR ", choice.sql, NULL);
  g_autoptr(PgResult) result = pg_connection_queryv(connection, error, sql, choice.n, choice.values);
  return result != NULL;
}

char *
batch_list_fetch(PgConnection *connection, guint n, GError **error)
{
  g_autofree char *sql = g_strdup_printf("FETCH %u FROM chosen", n);
  g_autoptr(PgResult) chosen = pg_connection_query(connection, error, sql, 0);
  if (chosen == NULL)
    return NULL;
  guint rows = pg_result_rows(chosen);
  g_autoptr(GString) ids = join_ids(chosen, rows > 0 ? n_ids(chosen) : 0);
  return g_strdup_printf("{%s}", ids->str);
}
