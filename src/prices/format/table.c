#include "prices/format/table.h"

#include "base/error.h"
#include "base/exact/json_tree.h"
#include "prices/format/cloud_table.h"
#include "prices/format/entries.h"
#include "prices/format/model.h"
#include "prices/format/toml.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define SAMPLE          "sample_spec" /* LiteLLM's entry that documents the others */

static void
clear_model(gpointer data)
{
  g_free(((PriceModel *)data)->name);
}

void
price_table_free(PriceTable *table)
{
  if (table == NULL)
    return;
  g_free(table->version);
  g_array_unref(table->models);
  g_array_unref(table->failed);
  g_array_unref(table->warnings);
  g_ptr_array_unref(table->texts);
  g_free(table);
}

static PriceTable *
table_new(void)
{
  PriceTable *table = g_new0(PriceTable, 1);
  table->models = g_array_new(FALSE, FALSE, sizeof(PriceModel));
  g_array_set_clear_func(table->models, clear_model);
  table->failed = price_issues_new();
  table->warnings = price_issues_new();
  table->texts = g_ptr_array_new_with_free_func(g_free);
  return table;
}

static gboolean
check_name(PriceTable *table, const PriceEntry *entry, gboolean is_twice)
{
  PriceIssueCode code = PRICE_ISSUE_COUNT;
  if (entry->is_unusable)
    code = PRICE_NAME_UNUSABLE;
  else if (*entry->name == '\0')
    code = PRICE_NAME_EMPTY;
  else if (strlen(entry->name) > PRICE_NAME_MAX_BYTES)
    code = PRICE_NAME_TOO_LONG;
  else if (is_twice)
    code = PRICE_NAME_TWICE;
  if (code == PRICE_ISSUE_COUNT)
    return TRUE;
  price_issues_add(table->failed, code, entry->name, NULL, NULL, NULL);
  return FALSE;
}

static void
take_model(PriceTable *table, const PriceEntry *entry, PriceOrigin origin)
{
  char *mended = NULL;
  if (!price_model_check(entry->name, entry->json, entry->size, table->failed, table->warnings,
                         origin == PRICE_ORIGIN_SYNC ? &mended : NULL))
    return;
  PriceModel model = {g_strdup(entry->name), entry->json, entry->size};
  if (mended != NULL) {
    g_ptr_array_add(table->texts, mended);
    model.json = mended;
    model.size = strlen(mended);
  }
  g_array_append_val(table->models, model);
}

/* Sorts the entries and keeps the valid ones. Equal entries with one name become one. If they differ, it is unknown
 * which one is meant, and none is kept. */
static void
take_models(PriceTable *table, GArray *entries, PriceOrigin origin)
{
  g_array_sort(entries, price_entries_compare);
  for (guint i = 0; i < entries->len;) {
    const PriceEntry *entry = &g_array_index(entries, PriceEntry, i);
    guint next = i + 1;
    gboolean differs = FALSE;
    for (; next < entries->len && strcmp(g_array_index(entries, PriceEntry, next).name, entry->name) == 0; next++)
      differs = differs || !price_entry_is_same(entry, &g_array_index(entries, PriceEntry, next));
    table->total++;
    if (check_name(table, entry, differs))
      take_model(table, entry, origin);
    i = next;
  }
}

static void
drop_sample(GArray *entries)
{
  for (guint i = entries->len; i-- > 0;)
    if (strcmp(g_array_index(entries, PriceEntry, i).name, SAMPLE) == 0)
      g_array_remove_index_fast(entries, i);
}

static void
free_cloud_model(gpointer data)
{
  cloud_model_clear(data);
  g_free(data);
}

/* Reads an entry of the cloud's table, with its name trimmed; NULL if it fails. */
static CloudModel *
read_cloud_model(PriceTable *table, const JsonTree *providers, guint index, const char *json, gsize size)
{
  g_autoptr(GError) problem = NULL;
  g_autoptr(JsonTree) tree = json_tree_parse(json, size, &problem);
  CloudModel *model = g_new0(CloudModel, 1);
  gboolean is_model = tree != NULL && cloud_model_read(tree, providers, model);
  g_autofree char *name = g_steal_pointer(&model->name);
  if (is_model) {
    model->name = price_name_trim(name);
    return model;
  }
  free_cloud_model(model);
  table->total++;
  g_autofree char *place = g_strdup_printf("models[%u]", index);
  if (tree == NULL)
    price_issues_add(table->failed, PRICE_ENTRY_UNREADABLE, "?", place, problem->message, NULL);
  else
    price_issues_add(table->failed, PRICE_NOT_A_TABLE, name != NULL ? name : "?", NULL, NULL, NULL);
  return NULL;
}

/* Adds the model to `best`, by name. */
static void
take_cloud_model(PriceTable *table, const JsonTree *providers, GHashTable *best, guint index, const char *json,
                 gsize size)
{
  CloudModel *model = read_cloud_model(table, providers, index, json, size);
  const CloudModel *other = model != NULL ? g_hash_table_lookup(best, model->name) : NULL;
  if (model == NULL)
    return;
  if (other == NULL || cloud_model_beats(model, other))
    g_hash_table_replace(best, model->name, model);
  else
    free_cloud_model(model);
}

/* Reads the `models` array into a table of name → CloudModel. */
static GHashTable *
read_cloud_models(PriceTable *table, const JsonTree *providers, const PriceEntry *models)
{
  g_autoptr(GHashTable) best = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_cloud_model);
  JsonScan scan;
  json_scan_init(&scan, models->json, models->size);
  json_scan_next(&scan, NULL); /* [, because the whole was read before */
  for (guint index = 0;; index++) {
    JsonToken token = json_scan_next(&scan, NULL);
    if (token == JSON_TOKEN_ARRAY_END)
      return g_steal_pointer(&best);
    const char *json = scan.token - (token == JSON_TOKEN_STRING);
    gsize size = 0;
    if (token == JSON_TOKEN_OBJECT || token == JSON_TOKEN_ARRAY)
      json_scan_skip_value(&scan, &json, &size, NULL);
    else
      size = (gsize)(scan.at - json);
    take_cloud_model(table, providers, best, index, json, size);
  }
}

static void
add_cloud_entries(PriceTable *table, GHashTable *best, GArray *entries)
{
  GHashTableIter each;
  gpointer value;
  g_hash_table_iter_init(&each, best);
  while (g_hash_table_iter_next(&each, NULL, &value)) {
    CloudModel *model = value;
    if (model->has_other_currency)
      price_issues_add(table->warnings, PRICE_NOT_IN_DOLLARS, model->name, NULL, NULL, NULL);
    if (model->json == NULL) {
      table->total++;
      price_issues_add(table->failed, PRICE_NOTHING_BILLABLE, model->name, NULL, NULL, NULL);
      continue;
    }
    g_ptr_array_add(table->texts, g_steal_pointer(&model->json));
    const char *json = g_ptr_array_index(table->texts, table->texts->len - 1);
    price_entries_add(entries, g_strdup(model->name), json, strlen(json));
  }
}

/* An alias becomes a model of its own if no other model has the name. */
static void
add_aliases(GHashTable *best, GArray *entries)
{
  g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  guint n = entries->len;
  for (guint i = 0; i < n; i++)
    g_hash_table_add(taken, g_strdup(g_array_index(entries, PriceEntry, i).name));
  g_array_sort(entries, price_entries_compare); /* so that an alias always goes to the same model */
  for (guint i = 0; i < n; i++) {
    PriceEntry entry = g_array_index(entries, PriceEntry, i);
    const CloudModel *model = g_hash_table_lookup(best, entry.name);
    for (guint j = 0; model != NULL && model->aliases[j] != NULL; j++) {
      g_autofree char *alias = price_name_trim(model->aliases[j]);
      if (*alias == '\0' || g_hash_table_contains(taken, alias))
        continue;
      g_hash_table_add(taken, g_strdup(alias));
      price_entries_add(entries, g_steal_pointer(&alias), entry.json, entry.size);
    }
  }
}

static gboolean
read_cloud_table(PriceTable *table, const GArray *members, GArray *entries, GError **error)
{
  const PriceEntry *models = price_entries_find(members, "models");
  if (models == NULL || *models->json != '[') {
    error_set(error, CCH_ERROR_PRICES_FORMAT, "JSON: schema " CLOUD_TABLE_SCHEMA ", but no array \"models\"");
    return FALSE;
  }
  table->format = PRICE_FORMAT_CLOUD;
  table->version = price_entries_string(members, "version");
  const PriceEntry *known = price_entries_find(members, "providers");
  g_autoptr(JsonTree) providers = known != NULL ? json_tree_parse(known->json, known->size, NULL) : NULL;
  g_autoptr(GHashTable) best = read_cloud_models(table, providers, models);
  add_cloud_entries(table, best, entries);
  add_aliases(best, entries);
  return TRUE;
}

/* The [metadata] of a TOML table. */
static char *
toml_version(const GArray *members)
{
  const PriceEntry *metadata = price_entries_find(members, "metadata");
  if (metadata == NULL || *metadata->json != '{')
    return NULL;
  g_autoptr(JsonTree) tree = json_tree_parse(metadata->json, metadata->size, NULL);
  return g_strdup(json_tree_string(json_tree_get(tree, "version")));
}

static gboolean
read_toml_table(PriceTable *table, const GArray *members, GArray *entries, GError **error)
{
  const PriceEntry *models = price_entries_find(members, "models");
  if (models == NULL || *models->json != '{') {
    error_set(error, CCH_ERROR_PRICES_FORMAT, "TOML: the table [models] is missing");
    return FALSE;
  }
  table->format = PRICE_FORMAT_TOML;
  table->version = toml_version(members);
  JsonScan scan;
  json_scan_init(&scan, models->json, models->size);
  return json_scan_next(&scan, error) == JSON_TOKEN_OBJECT && price_entries_read_members(&scan, entries, error);
}

/* TOML has no end marker. If the last line has no line break and ends in a number or a word, the file may have been
 * cut there, and 0.00001 may have become 0.0. */
static gboolean
check_toml_end(const char *text, gsize size, GError **error)
{
  const char *end = text + size, *line = end;
  while (line > text && line[-1] != '\n')
    line--;
  g_autofree char *last = g_strndup(line, (gsize)(end - line));
  const char *hash = strchr(last, '#'), *quote = strpbrk(last, "\"'");
  if (size == 0 || !(g_ascii_isalnum(end[-1]) || strchr("+-._", end[-1]) != NULL) ||
      (hash != NULL && (quote == NULL || hash < quote)))
    return TRUE;
  error_set(error, CCH_ERROR_PRICES_FORMAT,
            "TOML: the file ends within \"%.64s\" and may have been cut; a complete file ends with a line break", last);
  return FALSE;
}

static char *
convert_toml(const char *text, gsize size, gsize *ret_size, GError **error)
{
  TomlProblem problem;
  char *json = toml_to_json(text, size, ret_size, &problem);
  if (json != NULL)
    return json;
  if (problem.line == 0)
    error_set(error, CCH_ERROR_INTERNAL, "TOML: %s", problem.text);
  else
    error_set(error, problem.is_too_deep ? CCH_ERROR_PRICES_TOO_DEEP : CCH_ERROR_PRICES_FORMAT,
              "TOML, line %u, column %u: %s", problem.line, problem.column, problem.text);
  return NULL;
}

/* A text that is not valid JSON is reported as JSON if it begins like JSON. No TOML begins with a brace, and after a
 * leading bracket TOML has a name. */
static gboolean
looks_like_json(const char *text)
{
  const char *c = text + strspn(text, " \t\r\n");
  if (*c != '[')
    return *c == '{' || *c == '\0';
  c += 1 + strspn(c + 1, " \t\r\n");
  return *c == '{' || *c == ']';
}

static gboolean
read_entries(PriceTable *table, const char *text, gsize size, GArray *entries, GError **error)
{
  g_autoptr(GError) json_error = NULL;
  gboolean is_json = FALSE;
  g_autoptr(GArray) members = price_entries_read_root(text, size, &is_json, &json_error);
  if (members == NULL) {
    if (is_json || looks_like_json(text)) {
      g_propagate_error(error, g_steal_pointer(&json_error));
      return FALSE;
    }
    gsize json_size = 0;
    g_autofree char *json = convert_toml(text, size, &json_size, error);
    if (json == NULL)
      return FALSE;
    g_autoptr(GArray) root = price_entries_read_root(json, json_size, NULL, error);
    g_ptr_array_add(table->texts, g_steal_pointer(&json));
    return root != NULL && read_toml_table(table, root, entries, error) && check_toml_end(text, size, error);
  }
  g_autofree char *schema = price_entries_string(members, "schema");
  if (g_strcmp0(schema, CLOUD_TABLE_SCHEMA) == 0)
    return read_cloud_table(table, members, entries, error);
  for (guint i = 0; i < members->len; i++) {
    PriceEntry *entry = &g_array_index(members, PriceEntry, i);
    g_array_append_val(entries, *entry);
    entry->name = NULL;
  }
  return TRUE;
}

/* Tables with the same digest are equal. Tables with another spelling or order have other digests and may still be
 * equal. */
static void
make_digest(PriceTable *table)
{
  crypto_generichash_state state;
  guint8 hash[32];
  crypto_generichash_init(&state, NULL, 0, sizeof hash);
  for (guint i = 0; i < table->models->len; i++) {
    const PriceModel *model = &g_array_index(table->models, PriceModel, i);
    crypto_generichash_update(&state, (const guint8 *)model->name, strlen(model->name) + 1);
    crypto_generichash_update(&state, (const guint8 *)model->json, model->size);
    crypto_generichash_update(&state, (const guint8 *)"", 1);
  }
  crypto_generichash_final(&state, hash, sizeof hash);
  sodium_bin2hex(table->digest, sizeof table->digest, hash, sizeof hash);
}

static gboolean
check_any_model(const PriceTable *table, GError **error)
{
  if (table->models->len > 0)
    return TRUE;
  if (table->failed->len == 0) {
    error_set(error, CCH_ERROR_PRICES_EMPTY, "the table has no models");
    return FALSE;
  }
  const PriceIssue *first = &g_array_index(table->failed, PriceIssue, 0);
  g_autofree char *reason = price_issue_text(first, LANGUAGE_EN);
  error_set(error, CCH_ERROR_PRICES_EMPTY, "none of %u models is valid; the first, \"%.100s\": %s", table->total,
            first->model, reason);
  return FALSE;
}

/* Passes on what went wrong, under the codes of prices where JSON did. */
static void
propagate_problem(GError **error, GError *problem)
{
  static const ErrorCode codes[] = {
      [JSON_ERROR_FORMAT] = CCH_ERROR_PRICES_FORMAT,
      [JSON_ERROR_TOO_DEEP] = CCH_ERROR_PRICES_TOO_DEEP,
      [JSON_ERROR_ENCODING] = CCH_ERROR_PRICES_ENCODING,
  };
  if (problem->domain != JSON_ERROR) {
    g_propagate_error(error, problem);
    return;
  }
  error_set(error, codes[problem->code], "%s", problem->message);
  g_error_free(problem);
}

JsonTree *
price_json_parse(const char *text, gsize size, GError **error)
{
  g_autoptr(GError) problem = NULL;
  JsonTree *tree = json_tree_parse(text, size, &problem);
  if (tree == NULL)
    propagate_problem(error, g_steal_pointer(&problem));
  return tree;
}

/* Files that are chosen by mistake, or in another encoding, by their beginnings. */
static gboolean
refuse_other_file(const char *text, gsize size, GError **error)
{
  static const struct {
    const char *bytes;
    gsize n_bytes;
    ErrorCode code;
    TextId text;
  } kinds[] = {
      {"\x1f\x8b", 2, CCH_ERROR_PRICES_FORMAT, TEXT_PRICES_COMPRESSED},
      {"\x28\xb5\x2f\xfd", 4, CCH_ERROR_PRICES_FORMAT, TEXT_PRICES_COMPRESSED},
      {"PK\3\4", 4, CCH_ERROR_PRICES_FORMAT, TEXT_PRICES_COMPRESSED},
      {"PGDMP", 5, CCH_ERROR_PRICES_FORMAT, TEXT_PRICES_ARCHIVE},
      {"\xff\xfe", 2, CCH_ERROR_PRICES_ENCODING, TEXT_PRICES_UTF16},
      {"\xfe\xff", 2, CCH_ERROR_PRICES_ENCODING, TEXT_PRICES_UTF16},
      {"{\0", 2, CCH_ERROR_PRICES_ENCODING, TEXT_PRICES_UTF16},
      {"[\0", 2, CCH_ERROR_PRICES_ENCODING, TEXT_PRICES_UTF16},
      {"<", 1, CCH_ERROR_PRICES_FORMAT, TEXT_PRICES_WEB_PAGE},
  };
  gsize front = 0;
  while (front < size && g_ascii_isspace(text[front]))
    front++;
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (size - front >= kinds[i].n_bytes && memcmp(text + front, kinds[i].bytes, kinds[i].n_bytes) == 0) {
      error_set_explained(error, kinds[i].code, kinds[i].text, "neither JSON nor TOML");
      return TRUE;
    }
  return FALSE;
}

PriceTable *
price_table_take(char *text, gsize size, PriceOrigin origin, GError **error)
{
  g_autoptr(PriceTable) table = table_new();
  g_ptr_array_add(table->texts, text);
  if (size > PRICES_MAX_BYTES) {
    error_set(error, CCH_ERROR_PRICES_TOO_LARGE, "%.1f MB, at most %d MB are read", (double)size / (1024 * 1024),
              PRICES_MAX_BYTES / (1024 * 1024));
    return NULL;
  }
  if (refuse_other_file(text, size, error))
    return NULL;
  g_autoptr(GError) problem = NULL;
  if (!json_check_utf8(text, size, &problem)) {
    propagate_problem(error, g_steal_pointer(&problem));
    return NULL;
  }
  g_autoptr(GArray) entries = price_entries_new();
  gsize mark = g_str_has_prefix(text, BYTE_ORDER_MARK) ? strlen(BYTE_ORDER_MARK) : 0;
  if (!read_entries(table, text + mark, size - mark, entries, &problem)) {
    propagate_problem(error, g_steal_pointer(&problem));
    return NULL;
  }
  drop_sample(entries);
  take_models(table, entries, origin);
  if (!check_any_model(table, error))
    return NULL;
  make_digest(table);
  return g_steal_pointer(&table);
}

PriceTable *
price_table_parse(const char *text, gsize size, PriceOrigin origin, GError **error)
{
  return price_table_take(g_strndup(text, size), size, origin, error);
}
