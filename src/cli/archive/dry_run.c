#include "cli/archive/dry_run.h"

#include "backup/hub_level/hub_level.h"
#include "backup/preview/preview.h"
#include "base/text.h"
#include "cli/command/progress_bar.h"

#include <jansson.h>
#include <stdio.h>

static void
show_progress(const BackupEvent *event, gpointer user_data)
{
  ProgressState state = {.label = event->table != NULL ? event->table : backup_phase_name(event->phase),
                         .percent = event->percent,
                         .rows = event->rows,
                         .bytes = event->bytes};
  progress_bar_update(user_data, &state);
}

static const char *
or_unknown(const char *text)
{
  return text != NULL ? text : "?";
}

static void
print_archive(const BackupPreview *preview)
{
  g_autofree char *database = text_visible(or_unknown(preview->database));
  g_autofree char *created = text_visible(or_unknown(preview->created));
  g_autofree char *pg_dump = text_visible(or_unknown(preview->pg_dump_version));
  g_autofree char *server = text_visible(or_unknown(preview->server_version));
  printf("archive    %s of %s, format %s, compression %s, pg_dump %s, PostgreSQL %s\n", database, created,
         preview->format_version, preview->compression, pg_dump, server);
  printf("           %u tables, %" G_GUINT64_FORMAT " rows, %" G_GUINT64_FORMAT " bytes, %s logs\n", preview->n_tables,
         preview->rows, preview->bytes, preview->has_logs ? "with" : "without");
  printf("database   %s, PostgreSQL %s, %" G_GUINT64_FORMAT " bytes\n", preview->live_database,
         or_unknown(preview->live_server_version), preview->live_bytes);
  g_autofree char *archived = hub_level_text(preview->archive_hub_level);
  g_autofree char *live = hub_level_text(preview->live_hub_level);
  if (preview->archive_hub_level > 0 || preview->live_hub_level > 0)
    printf("hub        migrations: archive %s, database %s\n", preview->archive_hub_level > 0 ? archived : "no record",
           preview->live_hub_level > 0 ? live : "no record");
  printf("import     %s, on conflict %s%s\n\n", preview->mode, backup_on_conflict_name(preview->on_conflict),
         preview->skip_logs ? ", without logs" : "");
}

/* "5", "-" for NULL, "******" for what may be a secret. */
static const char *
shown(const json_t *change, const char *side, const char *masked)
{
  const char *value = json_string_value(json_object_get(change, side));
  return json_is_true(json_object_get(change, masked)) ? "******" : value != NULL ? value : "-";
}

/* "rpm 5 -> 7, key ****** -> ******": a row's values here and in the archive. */
static char *
describe_changes(const BackupPreviewExample *example)
{
  GString *text = g_string_new(NULL);
  json_t *values = json_loads(example->values != NULL ? example->values : "[]", 0, NULL);
  gsize i;
  json_t *change;
  json_array_foreach(values, i, change) {
    g_string_append_printf(text, "%s%s %s -> %s", i > 0 ? ", " : "",
                           json_string_value(json_object_get(change, "column")), shown(change, "live", "liveMasked"),
                           shown(change, "archive", "archiveMasked"));
  }
  json_decref(values);
  if (text->len == 0)
    g_string_append(text, example->columns);
  return g_string_free(text, FALSE);
}

static void
print_table(const BackupPreviewTable *table)
{
  g_autofree char *name = text_visible(table->table);
  if (table->is_compared)
    printf("%12" G_GUINT64_FORMAT " %12" G_GUINT64_FORMAT " %12" G_GUINT64_FORMAT " %12" G_GUINT64_FORMAT
           " %12" G_GUINT64_FORMAT " %12" G_GUINT64_FORMAT "  %s%s\n",
           table->archive_rows, table->added, table->identical, table->different, table->only_live, table->conflicting,
           name, table->is_new ? " (new)" : "");
  else
    printf("%12" G_GUINT64_FORMAT " %12s %12s %12s %12s %12s  %s\n", table->archive_rows, "?", "?", "?", "?", "?",
           name);
  if (table->problem != NULL) {
    g_autofree char *problem = text_visible(table->problem);
    printf("%78s  ! %s\n", "", problem);
  }
  for (guint i = 0; i < table->examples->len; i++) {
    const BackupPreviewExample *example = table->examples->pdata[i];
    g_autofree char *key = text_visible(example->key);
    g_autofree char *changes = describe_changes(example);
    g_autofree char *visible = text_visible(changes);
    printf("%78s  %s: %s\n", "", key, visible);
  }
}

static void
print_text(const BackupPreview *preview)
{
  print_archive(preview);
  printf("%12s %12s %12s %12s %12s %12s  %s\n", "archive", "added", "identical", "different", "only live",
         "conflicting", "table");
  for (guint i = 0; i < preview->tables->len; i++)
    print_table(preview->tables->pdata[i]);
  g_autofree char *trust = text_visible(preview->trust);
  printf("\n%s\n", trust);
  for (guint i = 0; i < preview->warnings->len; i++) {
    g_autofree char *warning = text_visible(preview->warnings->pdata[i]);
    printf("! %s\n", warning);
  }
}

gboolean
dry_run_print(const CliContext *context, ArchiveReader *reader, const BackupImportOptions *options, BackupLock *lock,
              GError **error)
{
  g_autoptr(ProgressBar) bar = context->is_json ? NULL : progress_bar_new();
  g_autoptr(BackupPreview) preview =
      backup_preview_run(reader, options, lock, bar != NULL ? show_progress : NULL, bar, context->cancellable, error);
  g_clear_pointer(&bar, progress_bar_free);
  if (preview == NULL)
    return FALSE;
  if (context->is_json) {
    g_autoptr(json_t) json = backup_preview_to_json(preview);
    g_autofree char *text = json_to_text(json);
    printf("%s\n", text);
  } else {
    print_text(preview);
  }
  return TRUE;
}
