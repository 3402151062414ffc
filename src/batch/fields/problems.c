#include "batch/fields/problems.h"

#include "base/text.h"

#include <string.h>

enum { MAX_GIVEN = 64 /* characters of a value in a message */ };
enum { MAX_PROBLEMS = 100, MAX_NAMED = 20 /* named rows in an error */ };

static const struct {
  BatchProblem code;
  TextId text;
} texts[] = {
    {"not_a_number", TEXT_BATCH_NOT_A_NUMBER},   {"not_a_boolean", TEXT_BATCH_NOT_A_BOOLEAN},
    {"not_a_string", TEXT_BATCH_NOT_A_STRING},   {"not_an_array", TEXT_BATCH_NOT_AN_ARRAY},
    {"not_an_id", TEXT_BATCH_NOT_AN_ID},         {"not_nullable", TEXT_BATCH_NOT_NULLABLE},
    {"not_trimmed", TEXT_BATCH_NOT_TRIMMED},     {"not_utf8", TEXT_BATCH_NOT_UTF8},
    {"too_many", TEXT_BATCH_TOO_MANY},           {"duplicate", TEXT_BATCH_DUPLICATE},
    {"unknown_field", TEXT_BATCH_UNKNOWN_FIELD}, {"unknown_id", TEXT_BATCH_UNKNOWN_ID},
    {"no_column", TEXT_BATCH_NO_COLUMN},         {"not_a_mode", TEXT_BATCH_NOT_A_MODE},
    {"not_a_clock", TEXT_BATCH_NOT_A_CLOCK},     {"not_json", TEXT_BATCH_NOT_JSON},
    {"wrong_cells", TEXT_BATCH_WRONG_CELLS},     {"number_too_long", TEXT_BATCH_NUMBER_TOO_LONG},
};

void
batch_problems_clear(BatchProblems *problems)
{
  g_clear_pointer(&problems->list, json_decref);
  g_clear_pointer(&problems->refused, json_decref);
}

/* The texts that state the field's bounds. */
static char *
bounds_text(BatchProblem code, const BatchField *field, Language language)
{
  if (strcmp(code, "out_of_range") == 0)
    return text_format(TEXT_BATCH_OUT_OF_RANGE, language, field->lowest, field->highest);
  if (strcmp(code, "too_many_decimals") == 0)
    return text_format(TEXT_BATCH_TOO_MANY_DECIMALS, language, field->decimals);
  if (strcmp(code, "too_long") == 0)
    return g_strdup(text_get(TEXT_BATCH_TOO_LONG, language));
  return NULL;
}

static char *
problem_text(BatchProblem code, const BatchField *field, Language language)
{
  char *text = field != NULL ? bounds_text(code, field, language) : NULL;
  for (guint i = 0; text == NULL && i < G_N_ELEMENTS(texts); i++)
    if (strcmp(texts[i].code, code) == 0)
      text = g_strdup(text_get(texts[i].text, language));
  return text != NULL ? text : g_strdup(code);
}

static void
add_text(BatchProblems *problems, const char *path, BatchProblem code, const char *text)
{
  if (problems->list == NULL)
    problems->list = json_array();
  if (json_array_size(problems->list) >= (problems->max > 0 ? problems->max : MAX_PROBLEMS))
    return;
  json_array_append_new(problems->list, json_pack("{s:s, s:s, s:s}", "path", path, "code", code, "message", text));
}

void
batch_problems_add(BatchProblems *problems, const char *path, BatchProblem code, const BatchField *field)
{
  if (code == NULL)
    return;
  g_autofree char *text = problem_text(code, field, problems->language);
  add_text(problems, path, code, text);
}

void
batch_problems_add_given(BatchProblems *problems, const char *path, BatchProblem code, const JsonTree *given)
{
  g_autofree char *text = problem_text(code, NULL, problems->language);
  g_autoptr(GString) json = g_string_new(NULL);
  json_tree_write(given, json);
  g_autofree char *shown = g_utf8_substring(json->str, 0, MIN(g_utf8_strlen(json->str, -1), MAX_GIVEN));
  g_autofree char *all = g_strdup_printf("%s: %s", text, shown);
  add_text(problems, path, code, all);
}

gboolean
batch_problems_any(const BatchProblems *problems)
{
  return problems->list != NULL;
}

void
batch_problems_refuse(BatchProblems *problems, ErrorCode code, BatchEntity entity, gint64 id, const char *name)
{
  if (problems->refused == NULL) {
    problems->refused = json_array();
    problems->first_refusal = code;
  }
  const ErrorInfo *info = error_info_of(code);
  json_array_append_new(problems->refused, json_pack("{s:s, s:I, s:s*, s:s, s:s}", "entity", batch_entity_name(entity),
                                                     "id", (json_int_t)id, "name", name, "errorCode", info->code,
                                                     "message", info->text[problems->language]));
}

/* "users: alice (3), bob (4)", "keys: 7, 8 …". */
static char *
name_refused(const json_t *refused)
{
  GString *text = g_string_new(json_string_value(json_object_get(json_array_get(refused, 0), "entity")));
  gsize i;
  const json_t *row;
  json_array_foreach((json_t *)refused, i, row) {
    if (i == MAX_NAMED) {
      g_string_append(text, " …");
      break;
    }
    const char *name = json_string_value(json_object_get(row, "name"));
    gint64 id = json_integer_value(json_object_get(row, "id"));
    g_string_append(text, i == 0 ? ": " : ", ");
    if (name != NULL)
      g_string_append_printf(text, "%s (%" G_GINT64_FORMAT ")", name, id);
    else
      g_string_append_printf(text, "%" G_GINT64_FORMAT, id);
  }
  return g_string_free(text, FALSE);
}

gboolean
batch_problems_none_refused(const BatchProblems *problems, GError **error)
{
  if (problems->refused == NULL)
    return TRUE;
  g_autofree char *names = name_refused(problems->refused);
  error_set(error, problems->first_refusal, "%s", names);
  return FALSE;
}
