#include "batch/problems.h"

#include "base/text.h"

#include <string.h>

enum { MAX_PROBLEMS = 100 };

static const struct {
  BatchProblem code;
  TextId text;
} texts[] = {
    {"not_a_number", TEXT_BATCH_NOT_A_NUMBER},   {"not_a_boolean", TEXT_BATCH_NOT_A_BOOLEAN},
    {"not_a_string", TEXT_BATCH_NOT_A_STRING},   {"not_an_array", TEXT_BATCH_NOT_AN_ARRAY},
    {"not_an_id", TEXT_BATCH_NOT_AN_ID},         {"not_nullable", TEXT_BATCH_NOT_NULLABLE},
    {"not_trimmed", TEXT_BATCH_NOT_TRIMMED},     {"not_utf8", TEXT_BATCH_NOT_UTF8},
    {"too_many", TEXT_BATCH_TOO_MANY},           {"duplicate", TEXT_BATCH_DUPLICATE},
    {"unknown_field", TEXT_BATCH_UNKNOWN_FIELD},
};

void
batch_problems_clear(BatchProblems *problems)
{
  g_clear_pointer(&problems->list, json_decref);
}

/* Those that name the field's bounds. */
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

void
batch_problems_add(BatchProblems *problems, const char *path, BatchProblem code, const BatchField *field)
{
  if (code == NULL)
    return;
  if (problems->list == NULL)
    problems->list = json_array();
  if (json_array_size(problems->list) >= MAX_PROBLEMS)
    return;
  g_autofree char *text = problem_text(code, field, problems->language);
  json_array_append_new(problems->list, json_pack("{s:s, s:s, s:s}", "path", path, "code", code, "message", text));
}

gboolean
batch_problems_any(const BatchProblems *problems)
{
  return problems->list != NULL;
}
