#include "backup/manifest/manifest.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/archive/archive.h"
#include "cli/backup/state.h"
#include "cli/command/progress_bar.h"
#include "cli/files/output_file.h"
#include "schedule/run/fetch.h"
#include "upload/temp_file.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* A backup that was chosen, and the destination that it lies at. */
typedef struct {
  Storage *storage;
  FoundBackup *backup;
  Manifest *manifest; /* NULL: none */
  char *sha256;       /* of the file; NULL: unknown */
} Chosen;

static void
chosen_clear(Chosen *chosen)
{
  g_clear_pointer(&chosen->storage, storage_free);
  g_clear_pointer(&chosen->backup, found_backup_free);
  g_clear_pointer(&chosen->manifest, manifest_free);
  g_clear_pointer(&chosen->sha256, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Chosen, chosen_clear)

static Storage *
open_url(const BackupCommand *command, const char *url, GError **error)
{
  const char *kind = NULL;
  g_autoptr(json_t) settings = NULL, secrets = NULL;
  if (!storage_settings_from_url(url, &kind, &settings, &secrets, error))
    return NULL;
  g_autofree char *directory = g_build_filename(command->context->config->data_dir, "backups", NULL);
  const StorageOptions options = {
      .kind = kind, .settings = settings, .secrets = secrets, .default_directory = directory};
  return storage_open(&options, error);
}

/* A destination on record, or a URL. */
static Storage *
open_destination(BackupCommand *command, const char *name, GError **error)
{
  if (strchr(name, '/') != NULL || strchr(name, ':') != NULL)
    return open_url(command, name, error);
  g_autoptr(PgConnection) connection = backup_command_connect(command, error);
  g_autoptr(CatalogDestination) destination =
      connection != NULL ? catalog_find_destination_named(connection, name, error) : NULL;
  return destination != NULL ? catalog_open_destination(destination, command->context->config->data_dir, error) : NULL;
}

/* --at: a date (its end) or a time; G_MAXINT64 without it. */
static gboolean
latest_time(const BackupCommand *command, gint64 *ret_s, GError **error)
{
  *ret_s = G_MAXINT64;
  if (command->at == NULL)
    return TRUE;
  g_autoptr(GTimeZone) zone = g_time_zone_new_local();
  gboolean is_date = strchr(command->at, 'T') == NULL;
  g_autofree char *text = is_date ? g_strconcat(command->at, "T23:59:59", NULL) : g_strdup(command->at);
  g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, zone);
  if (time == NULL) {
    error_set(error, CCH_ERROR_USAGE, "--at: a date or time such as 2026-01-29 or 2026-01-29T10:30:00, not \"%s\"",
              command->at);
    return FALSE;
  }
  *ret_s = g_date_time_to_unix(time);
  return TRUE;
}

static gboolean
is_wanted(const char *wanted, gint64 until_s, const char *name, gint64 made_s)
{
  return wanted == NULL || strcmp(wanted, "latest") == 0 ? made_s <= until_s : strcmp(wanted, name) == 0;
}

static gboolean
refuse_none(const BackupCommand *command, const char *wanted, GError **error)
{
  error_set(error, CCH_ERROR_BACKUP_NONE, "%s%s%s", wanted != NULL ? wanted : "latest",
            command->at != NULL ? " at " : "", command->at != NULL ? command->at : "");
  return FALSE;
}

/* The newest one of several jobs may be the one without logs: the choice is the caller's. */
static gboolean
check_same_job(const char *wanted, const char *job, const char *other, GError **error)
{
  if ((wanted != NULL && strcmp(wanted, "latest") != 0) || strcmp(job, other) == 0)
    return TRUE;
  error_set(error, CCH_ERROR_USAGE, "there are backups of the jobs %s and %s; give --job", job, other);
  return FALSE;
}

/* Without records: by what lies there. */
static gboolean
choose_there(BackupCommand *command, const char *wanted, gint64 until_s, Chosen *chosen, GError **error)
{
  GCancellable *cancellable = command->context->cancellable;
  chosen->storage = open_destination(command, command->from, error);
  g_autoptr(GPtrArray) found =
      chosen->storage != NULL ? fetch_list(chosen->storage, command->job, cancellable, error) : NULL;
  if (found == NULL)
    return FALSE;
  const FoundBackup *first = NULL;
  guint at = 0;
  for (guint i = 0; i < found->len; i++) {
    const FoundBackup *backup = found->pdata[i];
    if (!is_wanted(wanted, until_s, backup->name, backup->made_s))
      continue;
    if (first != NULL && !check_same_job(wanted, first->job, backup->job, error))
      return FALSE;
    at = first == NULL ? i : at;
    first = first == NULL ? backup : first;
  }
  if (first == NULL)
    return refuse_none(command, wanted, error);
  chosen->backup = g_ptr_array_steal_index(found, at);
  if (!fetch_manifest(chosen->storage, chosen->backup, &chosen->manifest, cancellable, error))
    return FALSE;
  chosen->sha256 = g_strdup(fetch_file_sha256(chosen->manifest));
  return TRUE;
}

static gboolean
open_recorded(BackupCommand *command, PgConnection *connection, const CatalogBackup *backup, Chosen *chosen,
              GError **error)
{
  g_autofree char *json = NULL;
  g_autoptr(CatalogDestination) destination = catalog_find_destination(connection, backup->destination_id, error);
  if (destination == NULL || !catalog_read_manifest(connection, backup->id, &json, error))
    return FALSE;
  chosen->storage = catalog_open_destination(destination, command->context->config->data_dir, error);
  chosen->manifest = json != NULL ? manifest_from_json(json, strlen(json), error) : NULL;
  if (chosen->storage == NULL || (json != NULL && chosen->manifest == NULL))
    return FALSE;
  chosen->sha256 = g_strdup(backup->sha256);
  chosen->backup = g_new0(FoundBackup, 1);
  *chosen->backup = (FoundBackup){.job = g_strdup(backup->job_name),
                                  .name = g_strdup(backup->name),
                                  .bytes = backup->bytes,
                                  .made_s = backup->made_s,
                                  .is_encrypted = backup->is_encrypted};
  return TRUE;
}

static gboolean
choose_recorded(BackupCommand *command, const char *wanted, gint64 until_s, Chosen *chosen, GError **error)
{
  g_autoptr(PgConnection) connection = backup_command_connect(command, error);
  g_autoptr(GPtrArray) backups = connection != NULL ? catalog_backups(connection, command->job, 0, error) : NULL;
  const CatalogBackup *first = NULL;
  for (guint i = 0; backups != NULL && i < backups->len; i++) {
    const CatalogBackup *backup = backups->pdata[i];
    if (!catalog_backup_is_good(backup) || !is_wanted(wanted, until_s, backup->name, backup->made_s))
      continue;
    if (first != NULL && !check_same_job(wanted, first->job_name, backup->job_name, error))
      return FALSE;
    first = first == NULL ? backup : first;
  }
  if (backups == NULL)
    return FALSE;
  return first != NULL ? open_recorded(command, connection, first, chosen, error) : refuse_none(command, wanted, error);
}

static void
show_fetch(guint64 done_bytes, guint64 total_bytes, gpointer bar)
{
  const ProgressState state = {.label = "fetch",
                               .bytes = done_bytes,
                               .percent = total_bytes > 0 ? 100.0 * (double)done_bytes / (double)total_bytes : -1};
  progress_bar_update(bar, &state);
}

static gboolean
fetch_chosen(BackupCommand *command, const Chosen *chosen, FetchWrite write, gpointer target, GError **error)
{
  const FoundBackup *backup = chosen->backup;
  g_autofree char *identity = NULL, *path = g_strconcat(backup->job, "/", backup->name, NULL);
  if (!backup_command_identity(command, &identity, error))
    return FALSE;
  if (backup->is_encrypted && identity == NULL) {
    error_set(error, CCH_ERROR_AGE_NO_KEY, "%s is encrypted: give --identity FILE", backup->name);
    return FALSE;
  }
  g_autoptr(ProgressBar) bar = progress_bar_new();
  const FetchOptions options = {.write = write,
                                .target = target,
                                .identity = backup->is_encrypted ? identity : NULL,
                                .progress = show_fetch,
                                .data = bar};
  gboolean is_done =
      fetch_file(chosen->storage, path, backup->bytes, chosen->sha256, &options, command->context->cancellable, error);
  if (identity != NULL)
    sodium_memzero(identity, strlen(identity));
  return is_done;
}

static gboolean
write_output(gpointer file, const guint8 *bytes, gsize size, GError **error)
{
  return output_file_write(file, bytes, size, error);
}

static gboolean
write_temp(gpointer file, const guint8 *bytes, gsize size, GError **error)
{
  return temp_file_write(file, bytes, size, error);
}

static gboolean
fetch_to_path(BackupCommand *command, const Chosen *chosen, GError **error)
{
  g_autoptr(OutputFile) file = output_file_create(command->to, command->is_forced, error);
  if (file == NULL || !fetch_chosen(command, chosen, write_output, file, error) || !output_file_commit(file, error))
    return FALSE;
  fprintf(stderr, "%s -> %s\n", chosen->backup->name, command->to);
  return TRUE;
}

/* The archive and its manifest in temporary files, then as `cch-data import`. */
static gboolean
import_chosen(BackupCommand *command, const Chosen *chosen, GError **error)
{
  const char *temp_dir = command->context->config->temp_dir;
  g_autoptr(TempFile) archive = temp_file_create(temp_dir, "restore", error);
  g_autoptr(TempFile) manifest = archive != NULL ? temp_file_create(temp_dir, "manifest", error) : NULL;
  if (manifest == NULL || !fetch_chosen(command, chosen, write_temp, archive, error))
    return FALSE;
  char *arguments[8] = {(char *)"import"};
  int n = 1;
  if (command->is_overwrite)
    arguments[n++] = (char *)"--overwrite";
  if (command->is_dry_run)
    arguments[n++] = (char *)"--dry-run";
  if (command->is_confirmed)
    arguments[n++] = (char *)"--yes";
  if (chosen->manifest != NULL) {
    g_autofree char *json = manifest_to_json(chosen->manifest);
    if (!temp_file_write(manifest, (const guint8 *)json, strlen(json), error))
      return FALSE;
    arguments[n++] = (char *)"--manifest";
    arguments[n++] = (char *)temp_file_path(manifest);
  }
  arguments[n++] = (char *)temp_file_path(archive);
  fprintf(stderr, "%s\n", chosen->backup->name);
  g_clear_pointer(&command->pool, pg_pool_free); /* the import may exchange the database */
  g_clear_pointer(&command->target, cli_target_close);
  return cli_import(command->context, n, arguments, error);
}

gboolean
backup_command_restore(gpointer data, GError **error)
{
  BackupCommand *command = data;
  const char *wanted = command->operands[0];
  gint64 until_s = 0;
  g_auto(Chosen) chosen = {0};
  if (!latest_time(command, &until_s, error) ||
      !(command->from != NULL ? choose_there(command, wanted, until_s, &chosen, error)
                              : choose_recorded(command, wanted, until_s, &chosen, error)))
    return FALSE;
  return command->to != NULL ? fetch_to_path(command, &chosen, error) : import_chosen(command, &chosen, error);
}

static json_t *
found_to_json(const FoundBackup *backup, const Manifest *manifest)
{
  g_autoptr(GDateTime) made = g_date_time_new_from_unix_utc(backup->made_s);
  g_autofree char *text = g_date_time_format(made, "%Y-%m-%dT%H:%M:%SZ");
  json_t *json =
      json_pack("{s:s, s:s, s:s, s:I, s:b, s:b}", "job", backup->job, "name", backup->name, "madeAt", text, "bytes",
                (json_int_t)backup->bytes, "isEncrypted", backup->is_encrypted, "hasManifest", backup->has_manifest);
  if (manifest != NULL)
    json_object_update_new(json, json_pack("{s:I, s:s*, s:s*}", "rows", (json_int_t)manifest_totals(manifest).rows,
                                           "database", manifest->database, "hubVersion", manifest->hub_version));
  return json;
}

static void
print_found(const BackupCommand *command, const FoundBackup *backup, const Manifest *manifest)
{
  if (command->context->is_json) {
    g_autoptr(json_t) json = found_to_json(backup, manifest);
    g_autofree char *line = json_to_text(json);
    printf("%s\n", line);
    return;
  }
  g_autofree char *size = g_format_size(backup->bytes);
  g_autofree char *name = text_visible(backup->name);
  printf("%-16s  %-44s  %10s", backup->job, name, size);
  if (manifest != NULL)
    printf("  %" G_GUINT64_FORMAT " rows  %s", manifest_totals(manifest).rows,
           manifest->hub_version != NULL ? manifest->hub_version : "");
  else
    printf("  %s", cli_say(command->context, "（没有可读的清单）", "(no manifest that can be read)"));
  printf("\n");
}

/* A destination on record is compared with its records; a URL is only looked at. */
gboolean
backup_command_scan(gpointer data, GError **error)
{
  BackupCommand *command = data;
  const char *where = command->operands[0];
  GCancellable *cancellable = command->context->cancellable;
  if (strchr(where, '/') == NULL && strchr(where, ':') == NULL) {
    g_autoptr(PgConnection) connection = backup_command_connect(command, error);
    g_autoptr(CatalogDestination) destination =
        connection != NULL ? catalog_find_destination_named(connection, where, error) : NULL;
    if (destination == NULL)
      return FALSE;
    Run run = {.kind = (char *)"scan", .destination_id = destination->id};
    return backup_command_run(command, connection, &run, error);
  }
  g_autoptr(Storage) storage = open_url(command, where, error);
  g_autoptr(GPtrArray) found = storage != NULL ? fetch_list(storage, command->job, cancellable, error) : NULL;
  for (guint i = 0; found != NULL && i < found->len; i++) {
    g_autoptr(Manifest) manifest = NULL;
    g_autoptr(GError) problem = NULL;
    if (!fetch_manifest(storage, found->pdata[i], &manifest, cancellable, &problem) &&
        error_code(problem) != CCH_ERROR_MANIFEST) {
      g_propagate_error(error, g_steal_pointer(&problem));
      return FALSE;
    }
    print_found(command, found->pdata[i], manifest);
  }
  if (found != NULL && found->len == 0)
    fprintf(stderr, "%s\n", cli_say(command->context, "这里没有备份", "There are no backups here"));
  return found != NULL;
}
