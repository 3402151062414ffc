#include "cli/backup/backup.h"

#include "base/error.h"
#include "base/text.h"
#include "cli/backup/state.h"
#include "storage/age.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static json_t *
backup_to_json(const CatalogBackup *backup)
{
  return json_pack("{s:I, s:s*, s:s, s:s, s:s, s:s*, s:s, s:I, s:b, s:b}", "id", (json_int_t)backup->id, "destination",
                   backup->destination_name, "job", backup->job_name, "name", backup->name, "state", backup->state,
                   "proof", backup->proof, "madeAt", backup->made_at, "bytes", (json_int_t)backup->bytes, "isEncrypted",
                   backup->is_encrypted, "isPinned", backup->is_pinned);
}

gboolean
backup_command_list(gpointer data, GError **error)
{
  BackupCommand *command = data;
  g_autoptr(PgConnection) connection = backup_command_connect(command, error);
  g_autoptr(GPtrArray) backups = connection != NULL ? catalog_backups(connection, command->job, 0, error) : NULL;
  for (guint i = 0; backups != NULL && i < backups->len; i++) {
    const CatalogBackup *backup = backups->pdata[i];
    if (command->context->is_json) {
      g_autoptr(json_t) json = backup_to_json(backup);
      g_autofree char *line = json_to_text(json);
      printf("%s\n", line);
      continue;
    }
    g_autofree char *size = g_format_size(backup->bytes);
    printf("%-16s  %-12s  %-44s  %10s  %s%s%s\n", backup->job_name,
           backup->destination_name != NULL ? backup->destination_name : "-", backup->name, size, backup->state,
           backup->proof != NULL ? " " : "", backup->proof != NULL ? backup->proof : "");
  }
  if (backups != NULL && backups->len == 0 && !command->context->is_json)
    fprintf(stderr, "%s\n",
            cli_say(command->context, "还没有备份；立即备份：cch-data backup run daily",
                    "Nothing is backed up yet; do it now: cch-data backup run daily"));
  return backups != NULL;
}

gboolean
backup_command_jobs(gpointer data, GError **error)
{
  BackupCommand *command = data;
  g_autoptr(PgConnection) connection = backup_command_connect(command, error);
  g_autoptr(GPtrArray) jobs = connection != NULL ? catalog_jobs(connection, NULL, error) : NULL;
  for (guint i = 0; jobs != NULL && i < jobs->len; i++) {
    const CatalogJob *job = jobs->pdata[i];
    if (command->context->is_json) {
      g_autoptr(json_t) json = json_pack("{s:I, s:s, s:b, s:o}", "id", (json_int_t)job->id, "name", job->name,
                                         "isEnabled", job->is_enabled, "settings", job_settings_to_json(job->settings));
      g_autofree char *line = json_to_text(json);
      printf("%s\n", line);
      continue;
    }
    gint64 next_s = cron_next(job->settings->cron, g_get_real_time() / G_USEC_PER_SEC);
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(next_s);
    g_autoptr(GDateTime) next = g_date_time_to_timezone(utc, cron_zone(job->settings->cron));
    g_autofree char *text = g_date_time_format(next, "%Y-%m-%d %H:%M %Z");
    printf("%-16s  %-3s  %-20s  %s\n", job->name, job->is_enabled ? "on" : "off", job->settings->schedule,
           job->is_enabled ? text : "-");
  }
  return jobs != NULL;
}

/* The secret goes to standard output, or with an operand into a new file of mode 0600; the public key is printed. */
static gboolean
make_key(gpointer data, GError **error)
{
  const BackupCommand *command = data;
  const char *path = command->operands[0];
  g_autofree char *secret = NULL, *public = NULL;
  if (!age_keygen(&secret, &public, error))
    return FALSE;
  g_autofree char *text = g_strdup_printf("# public key: %s\n%s\n", public, secret);
  gboolean is_written = TRUE;
  if (path == NULL)
    printf("%s", text);
  else if (g_file_test(path, G_FILE_TEST_EXISTS)) {
    error_set(error, CCH_ERROR_USAGE, "%s exists", path);
    is_written = FALSE;
  } else
    is_written = g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_DURABLE, 0600, error);
  if (is_written)
    fprintf(stderr, "%s %s\n",
            cli_say(command->context, "请离线妥善保存私钥：没有它就无法恢复。公钥：",
                    "Keep the secret key away from this machine: without it nothing can be restored. Public key:"),
            public);
  sodium_memzero(secret, strlen(secret));
  sodium_memzero(text, strlen(text));
  return is_written;
}

static const CliVerb verbs[] = {
    CLI_VERB("list", "", 0, 0, " job ", backup_command_list, "列出备份及其状态", "list the backups and their states",
             "cch-data backup list --job daily\n"),
    CLI_VERB("jobs", "", 0, 0, "", backup_command_jobs, "列出备份任务", "list the jobs", "cch-data backup jobs\n"),
    CLI_VERB("runs", "", 0, 0, " job ", backup_command_runs, "列出最近的运行", "list the latest runs",
             "cch-data backup runs\n"),
    CLI_VERB("cancel", "RUN", 1, 1, "", backup_command_cancel, "取消一次运行", "ask for the end of a run",
             "cch-data backup cancel 17\n"),
    CLI_VERB("run", "JOB", 1, 1, "", backup_command_make, "立即备份", "make a job's backup now",
             "cch-data backup run daily\n"),
    CLI_VERB("verify", "[BACKUP]", 0, 1, " job identity ", backup_command_verify, "读回备份并与清单比较",
             "read a backup back and compare it with its manifest",
             "cch-data backup verify\n"
             "cch-data backup verify --identity key.txt backup_2026-01-29T10-30-00.dump.age\n"),
    CLI_VERB("drill", "[BACKUP]", 0, 1, " job identity ", backup_command_drill, "演练恢复：载入临时数据库并逐行比较",
             "restore a backup into a throwaway database and compare every row", "cch-data backup drill\n"),
    CLI_VERB("restore", "latest|BACKUP", 0, 1, " job from at identity to overwrite dry-run yes force ",
             backup_command_restore, "取回备份并导入（默认合并）", "fetch a backup and import it (by default: merge)",
             "cch-data backup restore latest --dry-run\n"
             "cch-data backup restore --at 2026-01-29 --overwrite\n"
             "cch-data backup restore latest --from s3://bucket/hub --identity key.txt --overwrite\n"
             "cch-data backup restore latest --to hub.dump\n"),
    CLI_VERB("prune", "JOB", 1, 1, " dry-run ", backup_command_prune, "按保留规则删除旧备份",
             "delete what the rules do not keep", "cch-data backup prune daily --dry-run\n"),
    CLI_VERB("scan", "URL|DESTINATION", 1, 1, " job ", backup_command_scan, "查看某处有哪些备份，无需数据库",
             "see which backups lie somewhere, without a database",
             "cch-data backup scan /mnt/backups\n"
             "cch-data backup scan 's3://bucket/hub?endpoint=https://minio.example:9000'\n"),
    CLI_VERB("keygen", "[FILE]", 0, 1, "", make_key, "生成加密用的密钥对", "make a pair of keys for encryption",
             "cch-data backup keygen key.txt\n"),
};

gboolean
cli_backup(CliContext *context, int argc, char **argv, GError **error)
{
  BackupCommand command = {.context = context};
  const GOptionEntry entries[] = {
      {"job", 0, 0, G_OPTION_ARG_STRING, &command.job, cli_say(context, "只看此任务的", "of this job only"), "NAME"},
      {"from", 0, 0, G_OPTION_ARG_STRING, &command.from,
       cli_say(context, "从此处取回：目录、s3://、webdavs://、sftp://、rclone:，或已登记的存储位置",
               "from here: a directory, s3://, webdavs://, sftp://, rclone:, or the name of a destination"),
       "URL"},
      {"at", 0, 0, G_OPTION_ARG_STRING, &command.at,
       cli_say(context, "此时刻或此日结束前最新的", "the newest one until this date or time"), "TIME"},
      {"identity", 'i', 0, G_OPTION_ARG_FILENAME, &command.identity_path,
       cli_say(context, "解密所用私钥的文件；- 为标准输入",
               "file with the secret key of encrypted backups; - is standard input"),
       "FILE"},
      {"to", 'o', 0, G_OPTION_ARG_FILENAME, &command.to,
       cli_say(context, "只取回到此文件，不导入", "only fetch it, into this file"), "FILE"},
      {"overwrite", 0, 0, G_OPTION_ARG_NONE, &command.is_overwrite,
       cli_say(context, "覆盖现有数据，而非合并", "replace what is there instead of merging"), NULL},
      {"dry-run", 'n', 0, G_OPTION_ARG_NONE, &command.is_dry_run,
       cli_say(context, "只显示会有什么变化", "only show what would change"), NULL},
      {"yes", 'y', 0, G_OPTION_ARG_NONE, &command.is_confirmed,
       cli_say(context, "覆盖时不再询问", "overwrite without asking"), NULL},
      {"force", 0, 0, G_OPTION_ARG_NONE, &command.is_forced,
       cli_say(context, "文件已存在时替换", "replace FILE if it exists"), NULL},
      {NULL},
  };
  const CliVerb *verb = NULL;
  CliParse parsed = cli_parse_verb(context, verbs, G_N_ELEMENTS(verbs), entries, &argc, &argv, &verb, error);
  command.operands = argv + 1;
  gboolean is_done = parsed == CLI_PARSE_DONE || (parsed == CLI_PARSE_RUN && verb->run(&command, error));
  pg_pool_free(command.pool);
  g_clear_pointer(&command.target, cli_target_close);
  char *texts[] = {command.job, command.from, command.at, command.identity_path, command.to};
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    g_free(texts[i]);
  return is_done;
}
