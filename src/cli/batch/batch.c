#include "cli/batch/batch.h"
#include "base/error.h"
#include "base/text.h"
#include "batch/edits/csv.h"
#include "batch/fields/tags.h"
#include "batch/list/list.h"
#include "batch/run/undo.h"
#include "cli/batch/batch_job.h"
#include "cli/batch/batch_text.h"
#include "cli/command/target.h"
#include "cli/files/input_file.h"

#include <stdio.h>
#include <string.h>

enum { MAX_FILE_PROBLEMS = 10000 };

typedef struct {
  CliContext *context;
  PgConnection *connection;
  BatchContext batch;
  BatchEntity entity;
  const char *verb;
  char **operands; /* after the verb */
  char **where, **set;
  char *ids, *from, *rest;
  gboolean is_all, is_delete, is_reset, is_dry_run, is_confirmed, skips_conflicts;
} Batch;

#define CHOICE " where ids all from rest dry-run yes "

/* Prints the problems of values, one per line. */
static void
print_problems(const Batch *batch, const BatchProblems *problems)
{
  if (problems->list == NULL)
    return;
  if (batch->context->is_json) {
    g_autoptr(json_t) object = json_pack("{s:s, s:O}", "type", "invalid", "invalidParams", problems->list);
    char *json = json_dumps(object, JSON_COMPACT);
    printf("%s\n", json);
    free(json);
    return;
  }
  g_autofree char *text = batch_problems_text(batch->from, problems->list);
  fprintf(stderr, "%s", text);
}

static BatchEdits *
edits_from_file(const Batch *batch, GHashTable *widths, BatchProblems *problems, GError **error)
{
  g_autoptr(GString) text = cli_read_input(batch->from, CSV_MAX_BYTES, error);
  g_autoptr(BatchEdits) edits =
      text != NULL ? batch_edits_parse(batch->entity, text->str, text->len, widths, problems, error) : NULL;
  if (edits == NULL)
    return NULL;
  if (batch->set == NULL && !batch->is_delete && !batch->is_reset && edits->fields->len == 0) {
    error_set(error, CCH_ERROR_BATCH_NO_CHANGE, "%s has no column of a field, and there is no --set", batch->from);
    return NULL;
  }
  if ((batch->set != NULL || batch->is_delete || batch->is_reset) && edits->fields->len > 0) {
    error_set(error, CCH_ERROR_USAGE, "%s has values of its own (%s), which --set, --delete and --reset do not use",
              batch->from, ((const BatchField *)edits->fields->pdata[0])->name);
    return NULL;
  }
  return g_steal_pointer(&edits);
}

static gboolean
check_filter_name(const Batch *batch, const char *name, GError **error)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  for (guint i = 0; batch_filter_name(batch->entity, i) != NULL; i++)
    g_ptr_array_add(names, (gpointer)batch_filter_name(batch->entity, i));
  g_ptr_array_add(names, NULL);
  if (g_strv_contains((const char *const *)names->pdata, name))
    return TRUE;
  cli_set_unknown(batch->context, name, (const char *const *)names->pdata, error);
  return FALSE;
}

/* Parses "status=active&tags=a,b", as in the address of a list. */
static gboolean
add_conditions(const Batch *batch, BatchFilter *filter, GHashTable *seen, const char *where, GError **error)
{
  GUriParamsIter iter;
  g_uri_params_iter_init(&iter, where, -1, "&", G_URI_PARAMS_PARSE_RELAXED);
  for (;;) {
    g_autofree char *name = NULL, *value = NULL;
    g_autoptr(GError) problem = NULL;
    if (!g_uri_params_iter_next(&iter, &name, &value, &problem)) {
      if (problem != NULL || *where == '\0') {
        error_set(error, CCH_ERROR_USAGE, "--where \"%s\" is not NAME=VALUE&NAME=VALUE", where);
        return FALSE;
      }
      return TRUE;
    }
    if (!g_hash_table_add(seen, g_strdup(name))) {
      error_set(error, CCH_ERROR_USAGE, "--where gives %s twice; several values are separated by commas", name);
      return FALSE;
    }
    if (*value == '\0') {
      error_set(error, CCH_ERROR_USAGE, "--where: %s has no value", name);
      return FALSE;
    }
    if (!check_filter_name(batch, name, error) || !batch_filter_set(filter, name, value, error))
      return FALSE;
  }
}

static BatchEdits *
edits_from_filter(const Batch *batch, GError **error)
{
  g_autoptr(BatchFilter) filter = batch_filter_new(batch->entity);
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (char **where = batch->where; where != NULL && *where != NULL; where++)
    if (!add_conditions(batch, filter, seen, *where, error))
      return NULL;
  g_autoptr(GArray) ids = batch_list_ids(batch->connection, filter, batch->batch.redis_url, error);
  return ids != NULL ? batch_edits_from_ids(batch->entity, ids) : NULL;
}

/* Parses "1,2,5-9"; each id counts once. */
static BatchEdits *
edits_from_ids(const Batch *batch, GError **error)
{
  g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint64));
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  g_auto(GStrv) parts = g_strsplit(batch->ids, ",", -1);
  for (char **part = parts; *part != NULL; part++) {
    g_auto(GStrv) ends = g_strsplit(g_strstrip(*part), "-", 2);
    guint64 first = 0, last = 0;
    gboolean is_range = ends[0] != NULL && ends[1] != NULL;
    if (ends[0] == NULL || !g_ascii_string_to_unsigned(ends[0], 10, 1, G_MAXINT32, &first, NULL) ||
        !g_ascii_string_to_unsigned(ends[is_range ? 1 : 0], 10, first, G_MAXINT32, &last, NULL) ||
        last - first >= CSV_MAX_ROWS || ids->len + (last - first) >= CSV_MAX_ROWS) {
      error_set(error, CCH_ERROR_USAGE, "--ids \"%s\" is not 1,2,5-9 (of up to 200,000)", *part);
      return NULL;
    }
    for (gint64 id = (gint64)first; id <= (gint64)last; id++)
      if (g_hash_table_add(seen, g_memdup2(&id, sizeof id)))
        g_array_append_val(ids, id);
  }
  return batch_edits_from_ids(batch->entity, ids);
}

static BatchEdits *
choose_edits(const Batch *batch, GHashTable *widths, BatchProblems *problems, GError **error)
{
  int n = (batch->where != NULL) + (batch->ids != NULL) + batch->is_all + (batch->from != NULL);
  if (n != 1) {
    error_set(error, CCH_ERROR_USAGE, "which %s: one of --where, --ids, --from and --all", batch->verb);
    return NULL;
  }
  if (batch->from != NULL)
    return edits_from_file(batch, widths, problems, error);
  return batch->ids != NULL ? edits_from_ids(batch, error) : edits_from_filter(batch, error);
}

/* "tags+=a,b" and "tags-=a" change tags instead of replacing them. */
static BatchProblem
read_tag_change(BatchValue *value, const char *text, gboolean is_add)
{
  g_autofree char *value_text = NULL;
  BatchProblem problem = batch_value_from_text(value->field, text, 0, &value_text);
  if (problem != NULL)
    return problem;
  value->is_change = TRUE;
  g_autoptr(JsonTree) tags = json_tree_parse(value_text, strlen(value_text), NULL);
  *(is_add ? &value->add : &value->remove) = batch_tags_names(tags);
  return NULL;
}

/* Takes ownership of the value. Added and removed tags are combined into one value. */
static BatchProblem
add_value(GArray *values, BatchValue *value)
{
  for (guint i = 0; i < values->len; i++) {
    BatchValue *other = &g_array_index(values, BatchValue, i);
    if (other->field != value->field)
      continue;
    if (!other->is_change || !value->is_change || (other->add != NULL) == (value->add != NULL))
      return "duplicate";
    *(value->add != NULL ? &other->add : &other->remove) = value->add != NULL ? value->add : value->remove;
    return NULL;
  }
  g_array_append_vals(values, value, 1);
  return NULL;
}

static gboolean
refuse_field(const Batch *batch, const char *name, GError **error)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  for (const BatchField *field = batch_fields; field->name != NULL; field++)
    if (batch_field_find(batch->entity, field->name) == field)
      g_ptr_array_add(names, (gpointer)field->name);
  g_ptr_array_add(names, NULL);
  cli_set_unknown(batch->context, name, (const char *const *)names->pdata, error);
  return FALSE;
}

/* Parses "FIELD=VALUE", with a value as in a cell of a file; nothing after "=" is the empty text. */
static gboolean
read_assignment(const Batch *batch, const char *assignment, GHashTable *widths, BatchProblems *problems, GArray *values,
                GError **error)
{
  const char *equals = strchr(assignment, '=');
  gboolean is_tag_change = equals != NULL && equals > assignment && (equals[-1] == '+' || equals[-1] == '-');
  if (equals == NULL || equals == assignment) {
    error_set(error, CCH_ERROR_USAGE, "--set \"%s\" is not FIELD=VALUE", assignment);
    return FALSE;
  }
  g_autofree char *name = g_strndup(assignment, (gsize)(equals - assignment - is_tag_change));
  BatchValue value = {.field = batch_field_find(batch->entity, name)};
  BatchProblem problem = NULL;
  if (value.field == NULL)
    return refuse_field(batch, name, error);
  if (batch_field_is_absent(value.field, widths))
    problem = "no_column";
  else if (is_tag_change && value.field->type != BATCH_TYPE_TAGS)
    problem = "not_an_array";
  else if (is_tag_change)
    problem = read_tag_change(&value, equals + 1, equals[-1] == '+');
  else
    problem = batch_value_from_text(value.field, equals + 1,
                                    GPOINTER_TO_UINT(g_hash_table_lookup(widths, value.field->column)), &value.value);
  if (problem == NULL)
    problem = add_value(values, &value);
  if (problem != NULL)
    batch_value_clear(&value);
  batch_problems_add(problems, name, problem, value.field);
  return TRUE;
}

/* NULL without an error if the file has the values, or none are needed. */
static GArray *
read_set(const Batch *batch, GHashTable *widths, BatchProblems *problems, GError **error)
{
  g_autoptr(GArray) values = batch_values_new();
  for (char **assignment = batch->set; *assignment != NULL; assignment++)
    if (!read_assignment(batch, *assignment, widths, problems, values, error))
      return NULL;
  if (!batch_problems_any(problems))
    return g_steal_pointer(&values);
  print_problems(batch, problems);
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "--set");
  return NULL;
}

static gboolean
check_action(const Batch *batch, GError **error)
{
  int n = (batch->set != NULL) + batch->is_delete + batch->is_reset;
  if (strcmp(batch->verb, "circuits") == 0 && !batch->is_reset)
    error_set(error, CCH_ERROR_USAGE, "cch-data batch circuits needs --reset");
  else if (n > 1)
    error_set(error, CCH_ERROR_USAGE, "one of --set and --delete");
  else if (n == 0 && batch->from == NULL)
    error_set(error, CCH_ERROR_USAGE, "what shall change: --set FIELD=VALUE%s, or --from a file with values",
              batch->entity == BATCH_PROVIDERS ? ", --delete" : "");
  else
    return TRUE;
  return FALSE;
}

/* Prints all problems of the values; the error then only gives their number. */
static void
tell_problems(const Batch *batch, const BatchProblems *problems, GError **error)
{
  if (problems->list == NULL)
    return;
  print_problems(batch, problems);
  g_clear_error(error);
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%u bad values%s; nothing was changed",
            (guint)json_array_size(problems->list),
            json_array_size(problems->list) >= MAX_FILE_PROBLEMS ? " and perhaps more" : "");
}

static gboolean
run_job(Batch *batch, const BatchEdits *edits, const GArray *values, GError **error)
{
  g_autofree char *beside = batch->rest == NULL && batch->from != NULL && strcmp(batch->from, "-") != 0
                                ? g_strdup_printf("%s.rest.%s", batch->from, edits->is_json ? "json" : "csv")
                                : NULL;
  const CliBatchJob job = {.context = batch->context,
                           .batch = &batch->batch,
                           .edits = edits,
                           .action = batch->is_delete  ? CLI_BATCH_DELETE
                                     : batch->is_reset ? CLI_BATCH_RESET
                                                       : CLI_BATCH_UPDATE,
                           .values = values,
                           .rest_path = batch->rest != NULL ? batch->rest : beside,
                           .is_dry_run = batch->is_dry_run,
                           .is_confirmed = batch->is_confirmed};
  return cli_batch_job_run(&job, error);
}

static gboolean
run_change(gpointer command, GError **error)
{
  Batch *batch = command;
  if (!check_action(batch, error))
    return FALSE;
  g_auto(BatchProblems) problems = {.language = batch->context->language, .max = MAX_FILE_PROBLEMS};
  g_auto(BatchProblems) set_problems = {.language = batch->context->language};
  g_autoptr(GHashTable) widths = batch_read_widths(batch->connection, batch->entity, error);
  g_autoptr(GArray) values =
      widths != NULL && batch->set != NULL ? read_set(batch, widths, &set_problems, error) : NULL;
  if (widths == NULL || (batch->set != NULL && values == NULL))
    return FALSE;
  g_autoptr(BatchEdits) edits = choose_edits(batch, widths, &problems, error);
  if (edits == NULL || !batch_edits_complete(edits, batch->connection, &problems, error)) {
    tell_problems(batch, &problems, error);
    return FALSE;
  }
  return run_job(batch, edits, values, error);
}

static json_t *
undo_one(const Batch *batch, const char *id, gboolean is_dry_run, GError **error)
{
  g_auto(BatchProblems) problems = {.language = batch->context->language};
  json_t *conflicts = NULL;
  json_t *answer = batch_undo(&batch->batch, id, batch->skips_conflicts, is_dry_run, &problems, &conflicts,
                              batch->context->cancellable, error);
  const json_t *in_the_way = conflicts != NULL ? conflicts : problems.refused;
  if (answer == NULL && in_the_way != NULL && !batch->context->is_json) {
    g_autofree char *text = batch_refused_text(in_the_way);
    fprintf(stderr, "%s", text);
  }
  json_decref(conflicts);
  if (answer != NULL && batch->context->is_json) {
    char *json = json_dumps(answer, JSON_COMPACT);
    printf("%s\n", json);
    free(json);
  }
  return answer;
}

static gboolean
preview_undo(const Batch *batch, GError **error)
{
  g_auto(BatchSummary) summary = {0};
  for (char **id = batch->operands; *id != NULL; id++) {
    g_autoptr(json_t) answer = undo_one(batch, *id, TRUE, error);
    if (answer == NULL)
      return FALSE;
    batch_summary_add(&summary, answer);
    json_array_extend(summary.refused, json_object_get(answer, "skipped"));
  }
  summary.n_rows = summary.n_changed;
  g_autofree char *text = batch_summary_text(&summary, "undo", batch->context->language);
  if (!batch->context->is_json)
    fprintf(batch->is_dry_run ? stdout : stderr, "%s", text);
  return TRUE;
}

/* In the given order: successive operations are listed last one first. */
static gboolean
run_undo(gpointer command, GError **error)
{
  Batch *batch = command;
  gboolean is_one = batch->operands[1] == NULL;
  /* The combined effect of several undos cannot be shown one by one if they touch the same rows. */
  if ((is_one || batch->is_dry_run) && !preview_undo(batch, error))
    return FALSE;
  if (batch->is_dry_run)
    return TRUE;
  if (!batch->is_confirmed && !cli_batch_confirm(batch->context, error))
    return FALSE;
  for (char **id = batch->operands; *id != NULL; id++) {
    g_autoptr(json_t) answer = undo_one(batch, *id, FALSE, error);
    if (answer == NULL)
      return FALSE;
    g_autofree char *text = text_format(TEXT_BATCH_UNDONE, batch->context->language, *id,
                                        (guint)json_integer_value(json_object_get(answer, "restoredCount")),
                                        (guint)json_array_size(json_object_get(answer, "skipped")),
                                        json_string_value(json_object_get(answer, "operationId")));
    if (!batch->context->is_json)
      printf("%s\n", text);
  }
  return TRUE;
}

static const CliVerb verbs[] = {
    CLI_VERB("users", "", 0, 0, CHOICE "set ", run_change, "修改用户", "change users",
             "cch-data batch users --where 'status=active&tags=interns' --set rpm=20 --dry-run\n"
             "cch-data batch users --ids 1,2,5-9 --set tags+=vip\n"),
    CLI_VERB("keys", "", 0, 0, CHOICE "set ", run_change, "修改密钥", "change keys",
             "cch-data batch keys --from keys.csv\n"
             "cch-data batch keys --all --set limitDailyUsd=null\n"),
    CLI_VERB("providers", "", 0, 0, CHOICE "set delete ", run_change, "修改或删除供应商", "change or delete providers",
             "cch-data batch providers --where 'tags=old' --set isEnabled=false\n"
             "cch-data batch providers --ids 7 --delete\n"),
    CLI_VERB("circuits", "", 0, 0, CHOICE "reset ", run_change, "关闭供应商的熔断器",
             "close providers' circuit breakers", "cch-data batch circuits --all --reset\n"),
    CLI_VERB("undo", "OPERATION_ID...", 1, 100, " dry-run yes skip-conflicts ", run_undo, "撤销批量修改",
             "undo bulk changes", "cch-data batch undo 0123456789abcdef\n"),
};

/* Breakers belong to providers; an undo finds the entity itself. */
static BatchEntity
entity_of(const CliVerb *verb)
{
  if (strcmp(verb->name, "keys") == 0)
    return BATCH_KEYS;
  return strcmp(verb->name, "providers") == 0 || strcmp(verb->name, "circuits") == 0 ? BATCH_PROVIDERS : BATCH_USERS;
}

static gboolean
run_verb(Batch *batch, const CliVerb *verb, GError **error)
{
  g_autoptr(CliTarget) target = cli_target_open(batch->context, error);
  if (target == NULL)
    return FALSE;
  cli_target_note_redis(batch->context);
  const char *dsn = cli_target_dsn(target);
  g_autoptr(PgConnection) connection = pg_connection_open(dsn, "cch-data batch", batch->context->cancellable, error);
  g_autofree char *command = g_strdup_printf("batch %s", verb->name);
  g_autofree char *holder = cli_holder(command);
  batch->entity = entity_of(verb);
  batch->verb = verb->name;
  batch->connection = connection;
  batch->batch = (BatchContext){.dsn = dsn,
                                .connection = connection,
                                .redis_url = batch->context->config->redis_url,
                                .who = holder,
                                .language = batch->context->language,
                                .fingerprint = "cli"};
  return connection != NULL && verb->run(batch, error);
}

gboolean
cli_batch(CliContext *context, int argc, char **argv, GError **error)
{
  Batch batch = {.context = context};
  const GOptionEntry entries[] = {
      {"where", 'w', 0, G_OPTION_ARG_STRING_ARRAY, &batch.where,
       cli_say(context, "符合列表条件的，如 status=active&tags=a,b（条件见 docs/api.md）；可重复",
               "those of a list: status=active&tags=a,b (docs/api.md names the filters); may be repeated"),
       "CONDITIONS"},
      {"ids", 0, 0, G_OPTION_ARG_STRING, &batch.ids,
       cli_say(context, "这些编号的：1,2,5-9", "those with these ids: 1,2,5-9"), "IDS"},
      {"all", 0, 0, G_OPTION_ARG_NONE, &batch.is_all, cli_say(context, "全部", "all of them"), NULL},
      {"from", 'f', 0, G_OPTION_ARG_FILENAME, &batch.from,
       cli_say(context, "文件（CSV 或 JSON，- 为标准输入）中的，用文件中的值或 --set 的值",
               "those in a file, CSV or JSON (- is standard input), each with its own values or with those of --set"),
       "FILE"},
      {"set", 's', 0, G_OPTION_ARG_STRING_ARRAY, &batch.set,
       cli_say(context, "新值（null 为清空；tags+=a,b 与 tags-=a 为增删）；可重复",
               "a new value (null clears it; tags+=a,b and tags-=a add and remove); may be repeated"),
       "FIELD=VALUE"},
      {"delete", 0, 0, G_OPTION_ARG_NONE, &batch.is_delete, cli_say(context, "删除", "delete them"), NULL},
      {"reset", 0, 0, G_OPTION_ARG_NONE, &batch.is_reset, cli_say(context, "关闭熔断器", "close the circuit breakers"),
       NULL},
      {"rest", 0, 0, G_OPTION_ARG_FILENAME, &batch.rest,
       cli_say(context, "未能修改的行写到何处，以便再次使用（默认 FILE.rest.csv）",
               "where to write the rows that could not be changed, to be given again (FILE.rest.csv)"),
       "FILE"},
      {"dry-run", 'n', 0, G_OPTION_ARG_NONE, &batch.is_dry_run,
       cli_say(context, "只显示会有什么变化", "only show what would change"), NULL},
      {"yes", 'y', 0, G_OPTION_ARG_NONE, &batch.is_confirmed, cli_say(context, "不再询问", "do not ask"), NULL},
      {"skip-conflicts", 0, 0, G_OPTION_ARG_NONE, &batch.skips_conflicts,
       cli_say(context, "之后又被修改过的行保持不变", "leave rows that were changed since as they are"), NULL},
      {NULL},
  };
  const CliVerb *verb = NULL;
  CliParse parsed = cli_parse_verb(context, verbs, G_N_ELEMENTS(verbs), entries, &argc, &argv, &verb, error);
  batch.operands = argv + 1;
  gboolean is_done = parsed == CLI_PARSE_DONE || (parsed == CLI_PARSE_RUN && run_verb(&batch, verb, error));
  g_strfreev(batch.where);
  g_strfreev(batch.set);
  g_free(batch.ids);
  g_free(batch.from);
  g_free(batch.rest);
  return is_done;
}
