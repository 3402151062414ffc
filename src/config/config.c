#include "config/config.h"

#include "base/error.h"
#include "base/log.h"

#include <string.h>
#include <unistd.h>

typedef enum { OPTION_STRING, OPTION_SECRET, OPTION_INTEGER, OPTION_BOOLEAN } OptionType;

typedef struct {
  const char *environment;
  const char *flag; /* without its dashes */
  OptionType type;
  gsize offset; /* of its field in Config */
  union {
    const char *string;
    guint64 integer; /* for a BOOLEAN, too */
  } fallback;
  guint64 minimum, maximum;
  const char *unit;
  const char *text[LANGUAGE_COUNT];
} OptionInfo;

static const OptionInfo options[] = {
#define FALLBACK_STRING  .string
#define FALLBACK_SECRET  .string
#define FALLBACK_INTEGER .integer
#define FALLBACK_BOOLEAN .integer
#define OPTION(field, environment_, flag_, type_, fallback_, minimum_, maximum_, unit_, zh, en)                        \
  {                                                                                                                    \
      .environment = environment_,                                                                                     \
      .flag = flag_,                                                                                                   \
      .type = OPTION_##type_,                                                                                          \
      .offset = G_STRUCT_OFFSET(Config, field),                                                                        \
      .fallback = {FALLBACK_##type_ = fallback_},                                                                      \
      .minimum = minimum_,                                                                                             \
      .maximum = maximum_,                                                                                             \
      .unit = unit_,                                                                                                   \
      .text = {[LANGUAGE_ZH_CN] = zh, [LANGUAGE_EN] = en},                                                             \
  },
#include "config/options.def"
#undef OPTION
};

#define PREFIX "CCH_DATA_"

/* Options that mean the same to the hub. */
static const char *const shared_names[] = {
    "DSN", "REDIS_URL", "ADMIN_TOKEN", "AUTO_MIGRATE", "ENABLE_SECURE_COOKIES", "REDIS_TLS_REJECT_UNAUTHORIZED", NULL};
/* Names that mean something else to the hub: the life of its context cache, the level of another logger. */
static const char *const hub_names[] = {"SESSION_TTL", "LOG_LEVEL", NULL};

static const char *const true_words[] = {"true", "1", "yes", "on", NULL};
static const char *const false_words[] = {"false", "0", "no", "off", NULL};

/* The variable; free with g_free. */
static char *
variable_of(const OptionInfo *option)
{
  gboolean is_whole =
      g_strv_contains(shared_names, option->environment) || g_str_has_prefix(option->environment, PREFIX);
  return g_strconcat(is_whole ? "" : PREFIX, option->environment, NULL);
}

static gboolean
is_string(const OptionInfo *option)
{
  return option->type == OPTION_STRING || option->type == OPTION_SECRET;
}

static gboolean
is_word(const char *const *words, const char *text)
{
  for (; *words != NULL; words++)
    if (g_ascii_strcasecmp(*words, text) == 0)
      return TRUE;
  return FALSE;
}

static void
free_string(const OptionInfo *option, ConfigString *field)
{
  if (option->type == OPTION_SECRET && *field != NULL)
    explicit_bzero(*field, strlen(*field));
  g_clear_pointer(field, g_free);
}

static void
set_fallback(Config *config, const OptionInfo *option)
{
  gpointer field = G_STRUCT_MEMBER_P(config, option->offset);
  if (is_string(option)) {
    free_string(option, field);
    *(ConfigString *)field = g_strdup(option->fallback.string);
  } else if (option->type == OPTION_INTEGER) {
    *(guint64 *)field = option->fallback.integer;
  } else {
    *(gboolean *)field = option->fallback.integer != 0;
  }
}

static gboolean
set_string(const OptionInfo *option, ConfigString *field, const char *source, const char *text, GError **error)
{
  gsize length = strlen(text);
  if (length < option->minimum || length > option->maximum) {
    error_set(error, CCH_ERROR_CONFIG,
              "%s: its length must be %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " bytes, not %" G_GSIZE_FORMAT,
              source, option->minimum, option->maximum, length);
    return FALSE;
  }
  free_string(option, field);
  *field = g_strdup(text);
  return TRUE;
}

static gboolean
set_integer(const OptionInfo *option, guint64 *field, const char *source, const char *text, GError **error)
{
  if (g_ascii_string_to_unsigned(text, 10, option->minimum, option->maximum, field, NULL))
    return TRUE;
  gboolean has_unit = *option->unit != '\0';
  error_set(error, CCH_ERROR_CONFIG,
            "%s: \"%s\" is not a whole number%s%s from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, source, text,
            has_unit ? " of " : "", option->unit, option->minimum, option->maximum);
  return FALSE;
}

static gboolean
set_boolean(gboolean *field, const char *source, const char *text, GError **error)
{
  if (is_word(true_words, text))
    *field = TRUE;
  else if (is_word(false_words, text))
    *field = FALSE;
  else
    error_set(error, CCH_ERROR_CONFIG, "%s: \"%s\" is neither true nor false", source, text);
  return is_word(true_words, text) || is_word(false_words, text);
}

/* `source` is the option as the user wrote it: "LISTEN_PORT" or "--listen-port". */
static gboolean
set_value(Config *config, const OptionInfo *option, const char *source, const char *text, GError **error)
{
  gpointer field = G_STRUCT_MEMBER_P(config, option->offset);
  if (*text == '\0') {
    set_fallback(config, option);
    return TRUE;
  }
  if (is_string(option))
    return set_string(option, field, source, text, error);
  if (option->type == OPTION_INTEGER)
    return set_integer(option, field, source, text, error);
  return set_boolean(field, source, text, error);
}

static void
note_old_name(Config *config, const char *name)
{
  g_autofree char *before = g_steal_pointer(&config->old_names);
  config->old_names = before != NULL ? g_strdup_printf("%s, %s", before, name) : g_strdup(name);
}

static gboolean
read_environment(Config *config, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
    const OptionInfo *option = &options[i];
    g_autofree char *variable = variable_of(option);
    const char *source = variable;
    const char *text = g_getenv(variable);
    if (text == NULL && !g_strv_contains(hub_names, option->environment)) {
      source = option->environment;
      text = g_getenv(source);
      if (text != NULL && strcmp(source, variable) != 0)
        note_old_name(config, source);
    }
    if (text != NULL && !set_value(config, option, source, text, error))
      return FALSE;
    if (option->type == OPTION_SECRET) {
      g_unsetenv(variable);
      g_unsetenv(option->environment);
    }
  }
  return TRUE;
}

/* A parsed argument: "--flag=value", "--flag", "--no-flag". */
typedef struct {
  const OptionInfo *option; /* NULL: not one of ours */
  char *value;              /* points into the argument; NULL: absent */
  gboolean is_negated;
} Argument;

static Argument
parse_argument(char *argument)
{
  Argument parsed = {0};
  if (!g_str_has_prefix(argument, "--"))
    return parsed;
  const char *name = argument + 2;
  char *equals = strchr(argument, '=');
  gsize length = equals != NULL ? (gsize)(equals - name) : strlen(name);
  for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
    const char *flag = options[i].flag;
    gboolean is_plain = strlen(flag) == length && strncmp(name, flag, length) == 0;
    parsed.is_negated = options[i].type == OPTION_BOOLEAN && equals == NULL && g_str_has_prefix(name, "no-") &&
                        strcmp(name + 3, flag) == 0;
    if (is_plain || parsed.is_negated) {
      parsed.option = &options[i];
      parsed.value = equals != NULL ? equals + 1 : NULL;
      return parsed;
    }
  }
  return parsed;
}

/* Reads the option at argv[*index] and moves the index to its last argument. */
static gboolean
read_flag(Config *config, const Argument *argument, char **argv, int argc, int *index, GError **error)
{
  g_autofree char *source = g_strdup_printf("--%s", argument->option->flag);
  if (argument->option->type == OPTION_BOOLEAN && argument->value == NULL)
    return set_value(config, argument->option, source, argument->is_negated ? "false" : "true", error);
  char *value = argument->value;
  if (value == NULL && *index + 1 < argc && !g_str_has_prefix(argv[*index + 1], "--"))
    value = argv[++*index];
  if (value == NULL) {
    error_set(error, CCH_ERROR_CONFIG, "%s: needs a value", source);
    return FALSE;
  }
  gboolean is_good = set_value(config, argument->option, source, value, error);
  if (argument->option->type == OPTION_SECRET)
    memset(value, 'x', strlen(value)); /* removed from the process list */
  return is_good;
}

static gboolean
read_arguments(Config *config, int *argc, char **argv, GError **error)
{
  int n_kept = MIN(*argc, 1);
  gboolean is_ended = FALSE;
  for (int i = 1; i < *argc; i++) {
    is_ended = is_ended || strcmp(argv[i], "--") == 0;
    Argument argument = is_ended ? (Argument){0} : parse_argument(argv[i]);
    if (argument.option == NULL)
      argv[n_kept++] = argv[i];
    else if (!read_flag(config, &argument, argv, *argc, &i, error))
      return FALSE;
  }
  *argc = n_kept;
  argv[n_kept] = NULL;
  return TRUE;
}

/* Adds the options for the TLS check to the Redis URL, as its parameters. */
static void
complete_redis_url(Config *config)
{
  if (config->redis_url == NULL || (config->redis_ca_file == NULL && config->redis_tls_reject_unauthorized))
    return;
  g_autofree char *given = g_strchomp(g_steal_pointer(&config->redis_url));
  GString *url = g_string_new(given);
  const char *joint = strchr(given, '?') != NULL ? "&" : "?";
  if (config->redis_ca_file != NULL) {
    g_autofree char *file = g_uri_escape_string(config->redis_ca_file, "/", FALSE);
    g_string_append_printf(url, "%stls_ca_file=%s", joint, file);
    joint = "&";
  }
  if (!config->redis_tls_reject_unauthorized)
    g_string_append_printf(url, "%stls_verify=no", joint);
  memset(given, 0, strlen(given));
  config->redis_url = g_string_free(url, FALSE);
}

/* Checks that the table cannot express. */
static gboolean
complete(Config *config, GError **error)
{
  LogLevel level;
  if (!log_level_parse(config->log_level, &level)) {
    error_set(error, CCH_ERROR_CONFIG, PREFIX "LOG_LEVEL: \"%s\" is not one of error, warning, info and debug",
              config->log_level);
    return FALSE;
  }
  complete_redis_url(config);
  if (config->data_dir == NULL)
    config->data_dir =
        geteuid() == 0 ? g_strdup("/var/lib/cch-data") : g_build_filename(g_get_user_data_dir(), "cch-data", NULL);
  /* Absolute, because PostgreSQL requires absolute paths to sockets. */
  g_autofree char *given = g_steal_pointer(&config->data_dir);
  config->data_dir = g_canonicalize_filename(given, NULL);
  return TRUE;
}

Config *
config_load(int *argc, char ***argv, GError **error)
{
  g_autoptr(Config) config = g_new0(Config, 1);
  for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
    set_fallback(config, &options[i]);
  if (!read_environment(config, error) || !read_arguments(config, argc, *argv, error) || !complete(config, error))
    return NULL;
  return g_steal_pointer(&config);
}

void
config_free(Config *config)
{
  if (config == NULL)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
    if (is_string(&options[i]))
      free_string(&options[i], G_STRUCT_MEMBER_P(config, options[i].offset));
  g_free(config->old_names);
  g_free(config);
}

char **
config_flags(void)
{
  char **flags = g_new0(char *, G_N_ELEMENTS(options) + 1);
  for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
    flags[i] = g_strdup(options[i].flag);
  return flags;
}

/* "--listen-port NUMBER", "--[no-]auto-migrate". */
static char *
flag_usage(const OptionInfo *option)
{
  if (option->type == OPTION_BOOLEAN)
    return g_strdup_printf("--[no-]%s", option->flag);
  return g_strdup_printf("--%s %s", option->flag, option->type == OPTION_INTEGER ? "NUMBER" : "TEXT");
}

/* "23100", "true"; "" if there is none. */
static char *
fallback_text(const OptionInfo *option)
{
  if (is_string(option))
    return g_strdup(option->fallback.string != NULL ? option->fallback.string : "");
  if (option->type == OPTION_BOOLEAN)
    return g_strdup(option->fallback.integer != 0 ? "true" : "false");
  return g_strdup_printf("%" G_GUINT64_FORMAT, option->fallback.integer);
}

/* "0 to 65535", "1 to 3600 seconds"; "" if the range is of no interest. */
static char *
range_text(const OptionInfo *option)
{
  if (option->type != OPTION_INTEGER)
    return g_strdup("");
  return g_strdup_printf("%" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT "%s%s", option->minimum, option->maximum,
                         *option->unit != '\0' ? " " : "", option->unit);
}

static void
option_free(gpointer data)
{
  ConfigOption *option = data;
  g_free(option->usage);
  g_free(option->variable);
  g_free(option->fallback);
  g_free(option->range);
  g_free(option);
}

GPtrArray *
config_options(void)
{
  GPtrArray *described = g_ptr_array_new_with_free_func(option_free);
  for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
    const OptionInfo *option = &options[i];
    const ConfigOption found = {.flag = option->flag,
                                .usage = flag_usage(option),
                                .variable = variable_of(option),
                                .fallback = fallback_text(option),
                                .range = range_text(option),
                                .is_boolean = option->type == OPTION_BOOLEAN,
                                .text = option->text};
    g_ptr_array_add(described, g_memdup2(&found, sizeof found));
  }
  return described;
}

char *
config_help(Language language)
{
  GString *help = g_string_new(NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
    const OptionInfo *option = &options[i];
    g_autofree char *usage = flag_usage(option);
    g_autofree char *fallback = fallback_text(option);
    g_autofree char *range = range_text(option);
    g_autofree char *variable = variable_of(option);
    g_string_append_printf(help, "  %-32s %s\n      %s", usage, variable, option->text[language]);
    if (*fallback != '\0')
      g_string_append_printf(help, " [%s%s%s]", fallback, *range != '\0' ? "; " : "", range);
    g_string_append_c(help, '\n');
  }
  return g_string_free(help, FALSE);
}

static void
append_markdown_row(GString *page, const OptionInfo *option)
{
  g_autofree char *fallback = fallback_text(option);
  g_autofree char *range = range_text(option);
  const char *dashes = option->type == OPTION_BOOLEAN ? "--[no-]" : "--";
  g_autofree char *variable = variable_of(option);
  g_string_append_printf(page, "| `%s` | `%s%s` | ", variable, dashes, option->flag);
  if (*fallback != '\0')
    g_string_append_printf(page, "`%s`", fallback);
  g_string_append_printf(page, " | %s | %s<br>%s |\n", range, option->text[LANGUAGE_EN], option->text[LANGUAGE_ZH_CN]);
}

char *
config_markdown(void)
{
  GString *page = g_string_new(
      "# Configuration\n\n"
      "Every option can be an environment variable or a flag of the command line; a flag beats the environment, and "
      "an\n"
      "empty value means unset. A flag's value follows as `--flag value` or `--flag=value`; what is true or false is\n"
      "also just `--flag` or `--no-flag`.\n\n"
      "每个选项都可以通过环境变量或命令行参数设置；命令行参数优先，空值等同于未设置。\n\n"
      "Variables begin with `CCH_DATA_`, because the hub's .env gives some of the names behind it another meaning\n"
      "(`SESSION_TTL`, `LOG_LEVEL`). `DSN`, `REDIS_URL`, `ADMIN_TOKEN`, `AUTO_MIGRATE`, `ENABLE_SECURE_COOKIES` and\n"
      "`REDIS_TLS_REJECT_UNAUTHORIZED` mean the same to both and are shared. The other names are still read without "
      "the prefix, with a notice.\n\n"
      "环境变量以 `CCH_DATA_` 开头，因为 Hub 的 .env 中部分同名变量含义不同；上述六个变量与 Hub 共用。\n"
      "其余变量不带前缀的旧名称仍然有效，但会给出提示。\n\n"
      "This page is made from src/config/options.def by `ninja -C build docs`.\n\n"
      "| Environment | Flag | Default | Range | Meaning |\n"
      "|---|---|---|---|---|\n");
  for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
    append_markdown_row(page, &options[i]);
  return g_string_free(page, FALSE);
}
