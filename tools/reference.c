/* reference page|man|man-zh|bash|zsh|fish: prints what describes the command line, from the table of options
 * (config/options.def) and the table of commands (cli/cli.c): docs/configuration.md, the man pages, and the completions
 * of three shells. */
#include "base/error.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  const CliCommand *command;
  Language language;
  GString *out;
} Page;

static const char *
say(Language language, const char *zh, const char *en)
{
  return language == LANGUAGE_ZH_CN ? zh : en;
}

/* `text` with `escape` before each of `special`; free with g_free. */
static char *
escaped(const char *text, const char *special, const char *escape)
{
  GString *out = g_string_new(NULL);
  for (; *text != '\0'; text++) {
    if (strchr(special, *text) != NULL)
      g_string_append(out, escape);
    g_string_append_c(out, *text);
  }
  return g_string_free(out, FALSE);
}

/* --- man pages (roff, man(7)) --- */

/* A backslash would begin an escape, and a point or an apostrophe at the start of a line a request. In names and
 * commands, hyphens have to stay what they are when they are copied. */
static void
append_roff(GString *out, const char *text, gboolean is_code)
{
  if (*text == '.' || *text == '\'')
    g_string_append(out, "\\&");
  for (; *text != '\0'; text++)
    if (*text == '\\')
      g_string_append(out, "\\e");
    else if (*text == '-' && is_code)
      g_string_append(out, "\\-");
    else
      g_string_append_c(out, *text);
}

static void
append_examples(GString *out, const char *examples)
{
  if (examples == NULL)
    return;
  g_string_append(out, ".PP\n.nf\n.RS\n");
  g_auto(GStrv) lines = g_strsplit(examples, "\n", -1);
  for (char **line = lines; **line != '\0'; line++) {
    append_roff(out, *line, TRUE);
    g_string_append_c(out, '\n');
  }
  g_string_append(out, ".RE\n.fi\n");
}

static gboolean
is_common(const GOptionEntry *entry)
{
  return strcmp(entry->long_name, "json") == 0 || strcmp(entry->long_name, "help") == 0;
}

static void
append_man_of_options(const CliVerb *verb, const GOptionEntry *entries, gpointer user_data)
{
  const Page *page = user_data;
  GString *out = page->out;
  g_string_append_printf(out, ".SS \"cch\\-data %s", page->command->name);
  if (verb != NULL)
    g_string_append_printf(out, " %s", verb->name);
  const char *arguments = verb != NULL ? verb->arguments : page->command->arguments;
  g_string_append_printf(out, "%s%s\"\n", *arguments != '\0' ? " " : "", arguments);
  append_roff(out, (verb != NULL ? verb->text : page->command->text)[page->language], FALSE);
  g_string_append_c(out, '\n');
  for (; entries->long_name != NULL; entries++) {
    if (is_common(entries) || (entries->flags & G_OPTION_FLAG_HIDDEN) != 0)
      continue;
    g_string_append(out, ".TP\n.B ");
    if (entries->short_name != 0)
      g_string_append_printf(out, "\\-%c, ", entries->short_name);
    g_string_append(out, "\\-\\-");
    append_roff(out, entries->long_name, TRUE);
    if (entries->arg_description != NULL)
      g_string_append_printf(out, "=%s", entries->arg_description);
    g_string_append_c(out, '\n');
    append_roff(out, entries->description, FALSE);
    g_string_append_c(out, '\n');
  }
  append_examples(out, verb != NULL ? verb->examples : page->command->examples);
}

static void
append_man_of_environment(GString *out, Language language)
{
  g_autoptr(GPtrArray) options = config_options();
  for (guint i = 0; i < options->len; i++) {
    const ConfigOption *option = g_ptr_array_index(options, i);
    g_string_append(out, ".TP\n.B ");
    append_roff(out, option->variable, TRUE);
    g_string_append(out, ", ");
    append_roff(out, option->usage, TRUE);
    g_string_append_c(out, '\n');
    append_roff(out, option->text[language], FALSE);
    if (*option->fallback != '\0' || *option->range != '\0')
      g_string_append_printf(out, "\n[%s%s%s]", option->fallback,
                             *option->fallback != '\0' && *option->range != '\0' ? "; " : "", option->range);
    g_string_append_c(out, '\n');
  }
}

static const struct {
  int code;
  const char *zh, *en;
} exits[] = {
    {0, "完成", "done"},
    {1, "意外的错误", "unexpected failure"},
    {2, "用法或配置错误", "wrong usage or configuration"},
    {3, "输入被拒绝：不是备份文件、文件已损坏或不受支持", "refused input: no archive, damaged, or not supported"},
    {4, "无法连接数据库或 Redis，或被其拒绝", "the database or Redis cannot be reached, or refuses"},
    {5, "另一个备份操作正在进行", "another backup operation is running"},
    {6, "没有权限", "not allowed"},
    {7, "已回滚，未做任何更改", "rolled back, nothing changed"},
    {8, "磁盘空间不足", "no room on a disk"},
    {9, "提交时连接中断，无法得知更改是否已生效",
     "the connection was lost during the commit, and it cannot be known whether the change was made"},
    {130, "已取消", "cancelled"},
    {141, "标准输出的读取方已关闭管道", "the reader of standard output has closed the pipe"},
};

/* Every exit code of errors.def must have its row above. */
static gboolean
exits_are_complete(void)
{
  static const int used[] = {
#define CCH_ERROR_DEF(name, status, exit_code, code, zh, en) exit_code,
#include "base/errors.def"
#undef CCH_ERROR_DEF
  };
  for (gsize i = 0; i < G_N_ELEMENTS(used); i++) {
    gboolean is_known = FALSE;
    for (gsize e = 0; e < G_N_ELEMENTS(exits); e++)
      is_known = is_known || exits[e].code == used[i];
    if (!is_known) {
      fprintf(stderr, "reference: exit code %d of errors.def has no text here\n", used[i]);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
append_man(GString *out, Language language)
{
  g_string_append_printf(out,
                         ".\\\" Made from the tables of options and commands by tools/reference.\n"
                         ".TH CCH\\-DATA 1 \"\" \"cch\\-data %s\" \"%s\"\n.SH %s\ncch\\-data \\- %s\n",
                         CCH_VERSION, say(language, "用户命令", "User Commands"), say(language, "名称", "NAME"),
                         say(language, "Claude Code Hub 的数据服务", "the data service of Claude Code Hub"));
  g_string_append_printf(out, ".SH %s\n.B cch\\-data\n.I %s\n.br\n.B cch\\-data help\n.RI [ %s | options ]\n",
                         say(language, "概要", "SYNOPSIS"), say(language, "命令 [选项...]", "COMMAND [OPTION...]"),
                         say(language, "命令", "COMMAND"));
  g_string_append_printf(
      out, ".SH %s\n%s\n.PP\n%s\n", say(language, "描述", "DESCRIPTION"),
      say(language,
          "导出、导入、定时备份 Hub 的数据库，维护模型价格表，批量修改用户、密钥与供应商；serve 提供页面与 HTTP 接口。",
          "Exports, imports and backs up the hub's database, keeps the table of model prices, and changes users, keys "
          "and "
          "providers in bulk; serve offers pages and an HTTP API."),
      say(language, "各命令都接受 --json（输出 JSON，错误也是 JSON）与 --help。",
          "Every command takes --json (JSON instead of text, errors too) and --help."));
  g_string_append_printf(out, ".SH %s\n", say(language, "命令", "COMMANDS"));
  for (const CliCommand *command = cli_commands; command->name != NULL; command++) {
    Page page = {command, language, out};
    cli_describe(command, language, append_man_of_options, &page);
  }
  g_string_append_printf(out, ".SH %s\n%s\n",
                         say(language, "环境变量与通用选项", "ENVIRONMENT AND OPTIONS OF ALL COMMANDS"),
                         say(language, "命令行参数优先于环境变量，空值等同于未设置。",
                             "A flag beats the variable, and an empty value means unset."));
  append_man_of_environment(out, language);
  g_string_append_printf(out, ".SH %s\n", say(language, "退出状态", "EXIT STATUS"));
  for (gsize i = 0; i < G_N_ELEMENTS(exits); i++)
    g_string_append_printf(out, ".TP\n.B %d\n%s\n", exits[i].code, say(language, exits[i].zh, exits[i].en));
  g_string_append(out, say(language, ".PP\ncheck 的退出码另有含义：0 正常，1 警告，2 严重，3 未知。\n",
                           ".PP\nThe command check has codes of its own: 0 fine, 1 warning, 2 critical, 3 unknown.\n"));
  g_string_append_printf(out, ".SH %s\n.TP\n.I /etc/cch\\-data.env\n%s\n.TP\n.I /var/lib/cch\\-data\n%s\n",
                         say(language, "文件", "FILES"),
                         say(language, "服务的环境变量，权限 0600", "variables of the service, of mode 0600"),
                         say(language, "服务的数据目录", "the service's data directory"));
  g_string_append_printf(out, ".SH %s\n.BR pg_dump (1),\n.BR pg_restore (1),\n.BR rclone (1),\n.BR age (1)\n",
                         say(language, "另见", "SEE ALSO"));
  return exits_are_complete();
}

/* --- completions --- */

static gboolean
takes_file(const char *arguments)
{
  return strstr(arguments, "FILE") != NULL;
}

static void
append_bash_options(const CliVerb *verb, const GOptionEntry *entries, gpointer user_data)
{
  const Page *page = user_data;
  g_string_append_printf(page->out, "    '%s%s%s') options='", page->command->name, verb != NULL ? " " : "",
                         verb != NULL ? verb->name : "");
  for (; entries->long_name != NULL; entries++)
    if ((entries->flags & G_OPTION_FLAG_HIDDEN) == 0)
      g_string_append_printf(page->out, "--%s%s ", entries->long_name, entries->arg_description != NULL ? "=" : "");
  g_string_append_printf(page->out, "' files=%d ;;\n",
                         takes_file(verb != NULL ? verb->arguments : page->command->arguments));
}

static void
append_verb_name(const CliVerb *verb, const GOptionEntry *entries, gpointer user_data)
{
  (void)entries;
  if (verb != NULL)
    g_string_append_printf(user_data, "%s ", verb->name);
}

/* The names of a command's verbs, with a blank after each; "" if it has none. Free with g_free. */
static char *
verb_names(const CliCommand *command)
{
  GString *names = g_string_new(NULL);
  cli_describe(command, LANGUAGE_EN, append_verb_name, names);
  return g_string_free(names, FALSE);
}

static gboolean
append_bash(GString *out)
{
  g_string_append(out,
                  "# bash completion for cch-data, made from the tables of options and commands by tools/reference.\n"
                  "_cch_data()\n{\n  local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} verb= verbs= "
                  "options= files=0\n"
                  "  COMPREPLY=()\n  if [ \"$COMP_CWORD\" = 1 ]; then\n    COMPREPLY=($(compgen -W '");
  for (const CliCommand *command = cli_commands; command->name != NULL; command++)
    g_string_append_printf(out, "%s ", command->name);
  g_string_append(out, "help --help --version' -- \"$current\"))\n    return\n  fi\n  case $command in\n");
  for (const CliCommand *command = cli_commands; command->name != NULL; command++) {
    g_autofree char *verbs = verb_names(command);
    if (*verbs != '\0')
      g_string_append_printf(out, "    %s) verbs='%s' ;;\n", command->name, verbs);
  }
  g_string_append(
      out,
      "  esac\n  if [ -n \"$verbs\" ]; then\n    local word\n    for word in \"${COMP_WORDS[@]:2:COMP_CWORD-2}\"; do\n"
      "      [[ \" $verbs\" == *\" $word \"* ]] && verb=$word && break\n    done\n"
      "    if [ -z \"$verb\" ]; then\n      COMPREPLY=($(compgen -W \"$verbs--help\" -- \"$current\"))\n      return\n "
      "   fi\n  fi\n"
      "  case \"$command${verb:+ $verb}\" in\n");
  for (const CliCommand *command = cli_commands; command->name != NULL; command++) {
    Page page = {command, LANGUAGE_EN, out};
    cli_describe(command, LANGUAGE_EN, append_bash_options, &page);
  }
  g_string_append(out, "  esac\n  case $current in\n    -*) COMPREPLY=($(compgen -W \"$options");
  g_autoptr(GPtrArray) options = config_options();
  for (guint i = 0; i < options->len; i++) {
    const ConfigOption *option = g_ptr_array_index(options, i);
    g_string_append_printf(out, " --%s%s", option->flag, option->is_boolean ? "" : "=");
    if (option->is_boolean)
      g_string_append_printf(out, " --no-%s", option->flag);
  }
  g_string_append(
      out, "\" -- \"$current\")) ;;\n    *) [ $files = 0 ] || COMPREPLY=($(compgen -f -- \"$current\")) ;;\n  esac\n"
           "  [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null\n  return 0\n}\n"
           "complete -o filenames -F _cch_data cch-data\n");
  return TRUE;
}

/* A word of _arguments: --name[text]:argument:action */
static void
append_zsh_option(GString *out, const char *flag, const char *text, const char *argument, gboolean is_file)
{
  g_autofree char *brackets = escaped(text, "[]:\\", "\\");
  g_auto(GStrv) parts = g_strsplit(brackets, "'", -1);
  g_autofree char *quoted = g_strjoinv("'\\''", parts);
  g_string_append_printf(out, " \\\n        '--%s%s[%s]%s%s%s'", flag, argument != NULL ? "=" : "", quoted,
                         argument != NULL ? ":" : "", argument != NULL ? argument : "",
                         argument == NULL ? ""
                         : is_file        ? ":_files"
                                          : ": ");
}

static void
append_zsh_options(const CliVerb *verb, const GOptionEntry *entries, gpointer user_data)
{
  const Page *page = user_data;
  const char *arguments = verb != NULL ? verb->arguments : page->command->arguments;
  g_string_append_printf(page->out, "    '%s%s%s')\n      _arguments -S", page->command->name, verb != NULL ? " " : "",
                         verb != NULL ? verb->name : "");
  for (; entries->long_name != NULL; entries++)
    if ((entries->flags & G_OPTION_FLAG_HIDDEN) == 0)
      append_zsh_option(page->out, entries->long_name, entries->description, entries->arg_description,
                        entries->arg == G_OPTION_ARG_FILENAME);
  g_string_append_printf(page->out, " \\\n        $shared%s ;;\n", takes_file(arguments) ? " '*:file:_files'" : "");
}

static void
append_zsh_verb(const CliVerb *verb, const GOptionEntry *entries, gpointer user_data)
{
  (void)entries;
  g_autofree char *text = verb != NULL ? escaped(verb->text[LANGUAGE_EN], ":'\\", "\\") : NULL;
  if (verb != NULL)
    g_string_append_printf(user_data, " \"%s:%s\"", verb->name, text);
}

static gboolean
append_zsh(GString *out)
{
  g_string_append(out, "#compdef cch-data\n# Made from the tables of options and commands by tools/reference.\n"
                       "local -a commands verbs shared\nlocal command=$words[2] verb=\ncommands=(");
  for (const CliCommand *command = cli_commands; command->name != NULL; command++) {
    g_autofree char *text = escaped(command->text[LANGUAGE_EN], ":\"\\", "\\");
    g_string_append_printf(out, "\n  \"%s:%s\"", command->name, text);
  }
  g_string_append(out, "\n  \"help:explain a command, or the options of all\"\n)\nshared=(");
  g_autoptr(GPtrArray) options = config_options();
  for (guint i = 0; i < options->len; i++) {
    const ConfigOption *option = g_ptr_array_index(options, i);
    append_zsh_option(out, option->flag, option->text[LANGUAGE_EN], option->is_boolean ? NULL : "value", FALSE);
    g_autofree char *no = option->is_boolean ? g_strdup_printf("no-%s", option->flag) : NULL;
    if (no != NULL)
      append_zsh_option(out, no, option->text[LANGUAGE_EN], NULL, FALSE);
  }
  g_string_append(out,
                  ")\nif (( CURRENT == 2 )); then\n  _describe command commands\n  return\nfi\ncase $command in\n");
  for (const CliCommand *command = cli_commands; command->name != NULL; command++) {
    g_autofree char *names = verb_names(command);
    if (*names == '\0')
      continue;
    g_string_append_printf(out, "  %s) verbs=(", command->name);
    cli_describe(command, LANGUAGE_EN, append_zsh_verb, out);
    g_string_append(out, ") ;;\n");
  }
  g_string_append(
      out, "esac\nif (( $#verbs )); then\n  if (( CURRENT == 3 )); then\n    _describe verb verbs\n    return\n  fi\n"
           "  verb=$words[3]\n  shift words\n  (( CURRENT-- ))\nfi\nshift words\n(( CURRENT-- ))\n"
           "case \"$command${verb:+ $verb}\" in\n");
  for (const CliCommand *command = cli_commands; command->name != NULL; command++) {
    Page page = {command, LANGUAGE_EN, out};
    cli_describe(command, LANGUAGE_EN, append_zsh_options, &page);
  }
  g_string_append(out, "esac\n");
  return TRUE;
}

static void
append_fish_line(GString *out, const char *condition, const char *flag, const char *text, const char *tail)
{
  g_autofree char *quoted = escaped(text, "'\\", "\\");
  g_string_append_printf(out, "complete -c cch-data -n '%s' -l %s -d '%s'%s\n", condition, flag, quoted, tail);
}

static void
append_fish_options(const CliVerb *verb, const GOptionEntry *entries, gpointer user_data)
{
  const Page *page = user_data;
  GString *out = page->out;
  const char *name = page->command->name;
  if (verb != NULL) {
    g_autofree char *quoted = escaped(verb->text[LANGUAGE_EN], "'\\", "\\");
    g_string_append_printf(
        out,
        "complete -c cch-data -n '__fish_seen_subcommand_from %s; and test (count (commandline -opc)) = 2' -f "
        "-a %s -d '%s'\n",
        name, verb->name, quoted);
  }
  g_autofree char *condition =
      verb != NULL
          ? g_strdup_printf("__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s", name, verb->name)
          : g_strdup_printf("__fish_seen_subcommand_from %s", name);
  for (; entries->long_name != NULL; entries++)
    if ((entries->flags & G_OPTION_FLAG_HIDDEN) == 0)
      append_fish_line(out, condition, entries->long_name, entries->description,
                       entries->arg_description == NULL        ? ""
                       : entries->arg == G_OPTION_ARG_FILENAME ? " -r -F"
                                                               : " -x");
  if (takes_file(verb != NULL ? verb->arguments : page->command->arguments))
    g_string_append_printf(out, "complete -c cch-data -n '%s' -F\n", condition);
}

static gboolean
append_fish(GString *out)
{
  g_string_append(out,
                  "# fish completion for cch-data, made from the tables of options and commands by tools/reference.\n"
                  "complete -c cch-data -f\n");
  for (const CliCommand *command = cli_commands; command->name != NULL; command++) {
    g_autofree char *quoted = escaped(command->text[LANGUAGE_EN], "'\\", "\\");
    g_string_append_printf(out, "complete -c cch-data -n __fish_use_subcommand -a %s -d '%s'\n", command->name, quoted);
    Page page = {command, LANGUAGE_EN, out};
    cli_describe(command, LANGUAGE_EN, append_fish_options, &page);
  }
  g_autoptr(GPtrArray) options = config_options();
  for (guint i = 0; i < options->len; i++) {
    const ConfigOption *option = g_ptr_array_index(options, i);
    append_fish_line(out, "not __fish_use_subcommand", option->flag, option->text[LANGUAGE_EN],
                     option->is_boolean ? "" : " -r");
  }
  return TRUE;
}

static gboolean
append_page(GString *out)
{
  g_autofree char *page = config_markdown();
  g_string_append(out, page);
  return TRUE;
}

static gboolean
append_man_en(GString *out)
{
  return append_man(out, LANGUAGE_EN);
}

static gboolean
append_man_zh(GString *out)
{
  return append_man(out, LANGUAGE_ZH_CN);
}

int
main(int argc, char **argv)
{
  static const struct {
    const char *name;
    gboolean (*append)(GString *out);
  } forms[] = {{"page", append_page}, {"man", append_man_en}, {"man-zh", append_man_zh},
               {"bash", append_bash}, {"zsh", append_zsh},    {"fish", append_fish}};
  g_autoptr(GString) out = g_string_new(NULL);
  for (gsize i = 0; argc == 2 && i < G_N_ELEMENTS(forms); i++)
    if (strcmp(argv[1], forms[i].name) == 0 && !forms[i].append(out))
      return 1;
  if (out->len == 0) {
    fputs("usage: reference page|man|man-zh|bash|zsh|fish\n", stderr);
    return 2;
  }
  return fputs(out->str, stdout) < 0 || fflush(stdout) != 0;
}
