#include "cli/batch/batch_job.h"

#include "base/error.h"
#include "base/text.h"
#include "batch/run/circuit.h"
#include "cli/batch/batch_text.h"
#include "cli/command/progress_bar.h"
#include "cli/files/output_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  const CliBatchJob *job;
  ProgressBar *bar;
  OutputFile *rest; /* created before anything is changed, so that it can be written later */
  GArray *is_left;  /* gboolean per row */
  guint n_batches, n_done, n_changed;
  json_t *operations; /* ids */
  gboolean is_hub_late;
  GError *failure; /* the first failure */
} Run;

static void
run_clear(Run *run)
{
  g_clear_pointer(&run->bar, progress_bar_free);
  g_clear_pointer(&run->rest, output_file_free);
  g_clear_pointer(&run->is_left, g_array_unref);
  g_clear_pointer(&run->operations, json_decref);
  g_clear_error(&run->failure);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

gboolean
cli_batch_confirm(const CliContext *context, GError **error)
{
  if (!isatty(STDIN_FILENO)) {
    error_set(error, CCH_ERROR_USAGE, "without a terminal to ask on, --yes is needed; nothing was changed");
    return FALSE;
  }
  fprintf(stderr, "%s ", text_get(TEXT_UNDO_ASK_YES, context->language));
  char answer[16] = "";
  if (fgets(answer, sizeof answer, stdin) != NULL && strcmp(g_strchomp(answer), "yes") == 0)
    return TRUE;
  error_set(error, CCH_ERROR_CANCELLED, "not confirmed; nothing was changed");
  return FALSE;
}

static json_t *
run_batch(const CliBatchJob *job, guint from, guint to, gboolean is_dry_run, BatchProblems *problems, GError **error)
{
  BatchAction action = job->action == CLI_BATCH_UPDATE ? BATCH_UPDATE : BATCH_DELETE;
  g_autoptr(BatchRequest) request = batch_edits_request(job->edits, from, to, action, job->values, is_dry_run);
  return job->action == CLI_BATCH_RESET
             ? batch_circuits_run(job->batch, request, problems, job->context->cancellable, error)
             : batch_run(job->batch, request, problems, job->context->cancellable, error);
}

static void
show_progress(const Run *run, TextId label, guint done)
{
  guint n = run->job->edits->edits->len;
  ProgressState state = {
      .label = text_get(label, run->job->context->language), .percent = n > 0 ? 100.0 * done / n : 100, .rows = done};
  if (run->bar != NULL)
    progress_bar_update(run->bar, &state);
}

/* One JSON line: the batch's answer with its type. */
static void
print_json(const char *type, json_t *object)
{
  json_object_set_new(object, "type", json_string(type));
  char *text = json_dumps(object, JSON_COMPACT);
  printf("%s\n", text);
  fflush(stdout);
  free(text);
}

static gboolean
preview_batches(Run *run, BatchSummary *summary, GError **error)
{
  const CliBatchJob *job = run->job;
  for (guint from = 0, to; from < job->edits->edits->len; from = to) {
    g_auto(BatchProblems) problems = {.language = job->context->language};
    show_progress(run, TEXT_BATCH_PREVIEWING, from);
    to = batch_edits_next(job->edits, from);
    g_autoptr(json_t) answer = run_batch(job, from, to, TRUE, &problems, error);
    if (answer == NULL)
      return FALSE;
    batch_summary_add(summary, answer);
    if (job->context->is_json)
      print_json("preview", answer);
  }
  g_clear_pointer(&run->bar, progress_bar_free);
  if (!job->context->is_json) {
    g_autofree char *text = batch_summary_text(summary, batch_entity_name(job->edits->entity), job->context->language);
    fprintf(job->is_dry_run ? stdout : stderr, "%s", text);
  }
  return TRUE;
}

/* Prints a line above the progress bar. */
static void
print_line(const Run *run, const char *text)
{
  if (run->bar != NULL)
    progress_bar_message(run->bar, text);
  else if (!run->job->context->is_json)
    fprintf(stderr, "%s\n", text);
}

static void
note_batch_done(Run *run, guint from, guint to, json_t *answer)
{
  for (guint i = from; i < to; i++)
    g_array_index(run->is_left, gboolean, i) = FALSE;
  g_auto(BatchSummary) one = {0};
  batch_summary_add(&one, answer);
  run->n_done += to - from;
  run->n_changed += one.n_changed;
  const char *operation = json_string_value(json_object_get(answer, "operationId"));
  json_array_append_new(run->operations, json_string(operation));
  run->is_hub_late = run->is_hub_late || json_is_false(json_object_get(answer, "cacheNotified"));
  if (run->job->context->is_json) {
    print_json("batch", answer);
    return;
  }
  g_autofree char *line =
      text_format(TEXT_BATCH_DONE, run->job->context->language, run->n_batches, to - from, one.n_changed, operation);
  print_line(run, line);
}

/* Takes ownership of the failure. TRUE if the next batch may succeed. */
static gboolean
note_batch_failed(Run *run, guint from, guint to, const BatchProblems *problems, GError *failure)
{
  const ErrorInfo *info = error_info(failure);
  g_autofree char *line = text_format(TEXT_BATCH_FAILED, run->job->context->language, run->n_batches, to - from,
                                      error_text(failure, run->job->context->language), failure->message);
  print_line(run, line);
  if (run->job->context->is_json) {
    g_autoptr(json_t) object = json_pack("{s:I, s:s, s:s, s:O*}", "rows", (json_int_t)(to - from), "errorCode",
                                         info->code, "message", failure->message, "refused", problems->refused);
    print_json("failure", object);
  }
  ErrorCode code = error_code(failure);
  if (run->failure == NULL)
    run->failure = failure;
  else
    g_error_free(failure);
  return problems->refused != NULL || code == CCH_ERROR_DATABASE_LOCK_TIMEOUT || code == CCH_ERROR_DATABASE_CONFLICT;
}

static void
apply_batches(Run *run)
{
  const CliBatchJob *job = run->job;
  gboolean goes_on = TRUE;
  for (guint from = 0, to; goes_on && from < job->edits->edits->len; from = to) {
    g_auto(BatchProblems) problems = {.language = job->context->language};
    GError *failure = NULL;
    show_progress(run, TEXT_BATCH_APPLYING, from);
    to = batch_edits_next(job->edits, from);
    run->n_batches++;
    g_autoptr(json_t) answer = run_batch(job, from, to, FALSE, &problems, &failure);
    if (answer != NULL)
      note_batch_done(run, from, to, answer);
    else
      goes_on = note_batch_failed(run, from, to, &problems, failure);
  }
  g_clear_pointer(&run->bar, progress_bar_free);
}

static gboolean
write_rest_file(Run *run, GError **error)
{
  if (run->rest == NULL || run->n_done == run->is_left->len)
    return TRUE;
  g_autoptr(GString) text = batch_edits_write(run->job->edits, run->is_left);
  return output_file_write(run->rest, (const guint8 *)text->str, text->len, error) &&
         output_file_commit(run->rest, error);
}

static void
print_operations(const Run *run)
{
  if (json_array_size(run->operations) == 0 || run->job->action == CLI_BATCH_RESET)
    return;
  printf("%s cch-data batch undo", text_get(TEXT_BATCH_TO_UNDO, run->job->context->language));
  gsize i;
  const json_t *id;
  json_array_foreach(run->operations, i, id)
    printf(" %s", json_string_value(id));
  printf("\n");
}

static void
print_result(const Run *run)
{
  const CliBatchJob *job = run->job;
  guint n = run->is_left->len;
  const char *rest = run->rest != NULL && run->n_done < n ? job->rest_path : NULL;
  if (job->context->is_json) {
    g_autoptr(json_t) object =
        json_pack("{s:I, s:I, s:I, s:I, s:O, s:s*, s:b}", "requested", (json_int_t)n, "done", (json_int_t)run->n_done,
                  "changed", (json_int_t)run->n_changed, "notDone", (json_int_t)(n - run->n_done), "operationIds",
                  run->operations, "rest", rest, "hubNoticesLate", run->is_hub_late);
    print_json("result", object);
    return;
  }
  g_autofree char *text = text_format(TEXT_BATCH_REPORT, job->context->language, batch_entity_name(job->edits->entity),
                                      n, run->n_done, run->n_changed, n - run->n_done);
  printf("%s\n", text);
  if (rest != NULL)
    printf("%s %s\n", text_get(TEXT_BATCH_REST, job->context->language), rest);
  if (run->is_hub_late)
    printf("%s\n", text_get(TEXT_BATCH_HUB_LATE, job->context->language));
  print_operations(run);
}

/* Creates the file for rows that fail. */
static gboolean
create_rest_file(Run *run, GError **error)
{
  const CliBatchJob *job = run->job;
  if (job->rest_path == NULL || job->is_dry_run)
    return TRUE;
  if (access(job->rest_path, F_OK) == 0) {
    error_set(error, CCH_ERROR_USAGE, "%s exists; move it away, or name another file by --rest", job->rest_path);
    return FALSE;
  }
  run->rest = output_file_create(job->rest_path, FALSE, error);
  if (run->rest == NULL)
    g_prefix_error(error, "no file for what cannot be done (--rest names another): ");
  return run->rest != NULL;
}

gboolean
cli_batch_job_run(const CliBatchJob *job, GError **error)
{
  g_auto(Run) run = {.job = job, .operations = json_array()};
  run.is_left = g_array_new(FALSE, FALSE, sizeof(gboolean));
  for (guint i = 0; i < job->edits->edits->len; i++) {
    gboolean is_left = TRUE;
    g_array_append_val(run.is_left, is_left);
  }
  run.bar = job->context->is_json ? NULL : progress_bar_new();
  g_auto(BatchSummary) summary = {0};
  if (!create_rest_file(&run, error) || !preview_batches(&run, &summary, error))
    return FALSE;
  if (job->is_dry_run)
    return TRUE;
  if (summary.n_changed > 0 && !job->is_confirmed && !cli_batch_confirm(job->context, error))
    return FALSE;
  run.bar = job->context->is_json ? NULL : progress_bar_new();
  apply_batches(&run);
  g_autoptr(GError) problem = NULL;
  gboolean is_written = write_rest_file(&run, &problem);
  print_result(&run);
  if (!is_written)
    g_propagate_prefixed_error(error, g_steal_pointer(&problem),
                               "the file of what was not done could not be written: ");
  else if (run.failure != NULL)
    g_propagate_error(error, g_steal_pointer(&run.failure));
  else
    return TRUE;
  return FALSE;
}
