#include "cli/prices/prices.h"
#include "base/error.h"
#include "cli/command/target.h"
#include "cli/files/input_file.h"
#include "cli/files/output_file.h"
#include "cli/prices/prices_text.h"
#include "prices/apply/apply.h"
#include "prices/apply/held.h"
#include "prices/apply/store.h"
#include "prices/format/model.h"
#include "prices/sync/sync.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_PAGE = 1, DEFAULT_PAGE_SIZE = 100 };

typedef struct {
  CliContext *context;
  const char *dsn;
  char **operands; /* after the verb */
  gboolean is_dry_run, is_manual, is_forced, is_beside_hub, is_all, replaces;
  char **overwrite;
  char *format, *search, *source, *provider, *vendor, *mode, *sort, *order;
  int page, page_size;
} Prices;

typedef struct {
  const char *name, *arguments;
  guint min, max;      /* operands */
  const char *options; /* those that it takes, with spaces around each */
  gboolean (*run)(const Prices *prices, PgConnection *connection, GError **error);
} Verb;

static gboolean
is_zh(const Prices *prices)
{
  return prices->context->language == LANGUAGE_ZH_CN;
}

static void
print_report(const Prices *prices, const PriceReport *report)
{
  g_autofree char *text = prices->context->is_json ? price_report_to_json(report, prices->context->language)
                                                   : price_report_to_text(report, prices->context->language);
  printf("%s%s", text, prices->context->is_json ? "\n" : "");
}

static gboolean
run_import(const Prices *prices, PgConnection *connection, GError **error)
{
  g_autofree char *holder = cli_holder("prices import");
  g_autoptr(GString) text = cli_read_input(prices->operands[0], PRICES_MAX_BYTES, error);
  g_autoptr(PriceTable) table = text != NULL ? price_table_parse(text->str, text->len, PRICE_ORIGIN_FILE, error) : NULL;
  if (table == NULL)
    return FALSE;
  const PriceApplyOptions options = {.is_manual = prices->is_manual,
                                     .overwrite = (const char *const *)prices->overwrite,
                                     .is_dry_run = prices->is_dry_run,
                                     .operator_name = holder,
                                     .file_name = prices->operands[0],
                                     .lock_wait_s = (guint)prices->context->config->lock_wait_s};
  g_autoptr(PriceReport) report = price_apply(connection, table, &options, error);
  if (report != NULL)
    print_report(prices, report);
  return report != NULL;
}

static gboolean
run_sync(const Prices *prices, PgConnection *connection, GError **error)
{
  (void)connection;
  g_autofree char *holder = cli_holder("prices sync");
  const PriceSyncOptions options = {.overwrite = (const char *const *)prices->overwrite,
                                    .is_dry_run = prices->is_dry_run,
                                    .is_forced = prices->is_forced,
                                    .is_beside_hub = prices->is_beside_hub,
                                    .operator_name = holder};
  g_autoptr(PriceSync) sync = price_sync_new(prices->context->config, prices->dsn, error);
  g_autoptr(PriceReport) report =
      sync != NULL ? price_sync_run(sync, &options, NULL, prices->context->cancellable, error) : NULL;
  if (report != NULL)
    print_report(prices, report);
  return report != NULL;
}

static gboolean
check_filter(const Prices *prices, GError **error)
{
  const char *source = prices->source, *order = prices->order;
  if (prices->page < 1 || prices->page_size < 1 ||
      (source != NULL && strcmp(source, "manual") != 0 && strcmp(source, "cloud") != 0 &&
       strcmp(source, "litellm") != 0) ||
      (prices->sort != NULL && !price_sort_is_known(prices->sort)) ||
      (order != NULL && strcmp(order, "asc") != 0 && strcmp(order, "desc") != 0)) {
    error_set(error, CCH_ERROR_USAGE, "--page, --page-size, --source, --sort or --order is wrong");
    return FALSE;
  }
  return TRUE;
}

static gboolean
run_list(const Prices *prices, PgConnection *connection, GError **error)
{
  const PriceFilter filter = {.search = prices->search,
                              .source = prices->source,
                              .provider = prices->provider,
                              .vendor = prices->vendor,
                              .mode = prices->mode,
                              .sort = prices->sort != NULL ? prices->sort : "modelName",
                              .order = prices->order != NULL ? prices->order : "asc",
                              .page = (guint)prices->page,
                              .page_size = (guint)prices->page_size};
  g_autofree char *items = NULL;
  guint64 total = 0;
  if (!check_filter(prices, error) || !price_list(connection, &filter, &items, &total, error))
    return FALSE;
  if (prices->context->is_json) {
    printf("{\"items\":%s,\"total\":%" G_GUINT64_FORMAT "}\n", items, total);
    return TRUE;
  }
  g_autoptr(JsonTree) tree = json_tree_parse(items, strlen(items), error);
  g_autofree char *text = tree != NULL ? price_items_to_text(tree) : NULL;
  if (text == NULL)
    return FALSE;
  printf("%s", text);
  fprintf(stderr, is_zh(prices) ? "共 %" G_GUINT64_FORMAT " 个模型\n" : "%" G_GUINT64_FORMAT " models in all\n", total);
  return TRUE;
}

static gboolean
run_get(const Prices *prices, PgConnection *connection, GError **error)
{
  g_autofree char *row = price_get(connection, prices->operands[0], error);
  if (row != NULL)
    printf("%s\n", row);
  return row != NULL;
}

static PriceEditor
editor_of(const Prices *prices, const char *holder)
{
  return (PriceEditor){.operator_name = holder,
                       .lock_wait_s = (guint)prices->context->config->lock_wait_s,
                       .is_dry_run = prices->is_dry_run,
                       .language = prices->context->language};
}

static gboolean
print_edit(const Prices *prices, const char *before, const char *after, GError **error)
{
  g_autoptr(JsonTree) old = before != NULL ? json_tree_parse(before, strlen(before), error) : NULL;
  g_autoptr(JsonTree) new = before == NULL || old != NULL ? json_tree_parse(after, strlen(after), error) : NULL;
  g_autofree char *text = new != NULL ? price_edit_to_text(old, new, prices->context->language) : NULL;
  if (text != NULL)
    printf("%s", text);
  return text != NULL;
}

/* "field=value": JSON where it is some, else a text; "field=" takes the field away. */
static gboolean
append_assignment(GString *object, const char *assignment, GError **error)
{
  const char *equals = strchr(assignment, '=');
  if (equals == NULL || equals == assignment || !g_utf8_validate(assignment, -1, NULL)) {
    error_set(error, CCH_ERROR_USAGE, "not FIELD=VALUE: %s", assignment);
    return FALSE;
  }
  g_autofree char *field = g_strndup(assignment, (gsize)(equals - assignment));
  const char *value = equals + 1;
  g_autoptr(JsonTree) parsed = json_tree_parse(value, strlen(value), NULL);
  g_string_append_c(object, object->len > 1 ? ',' : ' ');
  json_quote(object, field);
  g_string_append_c(object, ':');
  if (*value == '\0')
    g_string_append(object, "null");
  else if (parsed != NULL)
    g_string_append(object, value);
  else
    json_quote(object, value);
  return TRUE;
}

static gboolean
run_set(const Prices *prices, PgConnection *connection, GError **error)
{
  g_autoptr(GString) object = g_string_new("{");
  for (char **assignment = prices->operands + 1; *assignment != NULL; assignment++)
    if (!append_assignment(object, *assignment, error))
      return FALSE;
  g_string_append_c(object, '}');
  g_autoptr(JsonTree) fields = json_tree_parse(object->str, object->len, error);
  g_autofree char *holder = cli_holder("prices set");
  PriceEditor editor = editor_of(prices, holder);
  g_autofree char *name = price_name_trim(prices->operands[0]);
  g_autofree char *before = NULL;
  g_autofree char *row = fields != NULL ? price_set(connection, name, fields, &editor, &before, error) : NULL;
  if (row == NULL)
    return FALSE;
  if (!prices->is_dry_run)
    printf("%s\n", row);
  else if (prices->context->is_json)
    printf("{\"dryRun\":true,\"before\":%s,\"after\":%s}\n", before != NULL ? before : "null", row);
  else
    return print_edit(prices, before, row, error);
  return TRUE;
}

static gboolean
run_delete(const Prices *prices, PgConnection *connection, GError **error)
{
  g_autofree char *holder = cli_holder("prices delete");
  PriceEditor editor = editor_of(prices, holder);
  if (!price_delete(connection, (const char *const *)prices->operands, TRUE, &editor, error))
    return FALSE;
  g_autofree char *text =
      prices->context->is_json
          ? price_names_to_json("deleted", prices->operands, prices->is_dry_run)
          : price_names_to_text("-", prices->operands, prices->is_dry_run, prices->context->language);
  printf("%s", text);
  return TRUE;
}

static gboolean
run_export(const Prices *prices, PgConnection *connection, GError **error)
{
  const char *path = prices->operands[0] != NULL ? prices->operands[0] : "-";
  gboolean is_toml = prices->format != NULL ? strcmp(prices->format, "toml") == 0 : g_str_has_suffix(path, ".toml");
  if (prices->format != NULL && !is_toml && strcmp(prices->format, "json") != 0) {
    error_set(error, CCH_ERROR_USAGE, "--format is json or toml");
    return FALSE;
  }
  if (!check_filter(prices, error))
    return FALSE;
  g_autofree char *text =
      price_export(connection, is_toml ? PRICE_EXPORT_TOML : PRICE_EXPORT_JSON, prices->source, error);
  g_autoptr(OutputFile) file = text != NULL ? output_file_create(path, prices->replaces, error) : NULL;
  return file != NULL && output_file_write(file, (const guint8 *)text, strlen(text), error) &&
         output_file_commit(file, error);
}

static gboolean
run_status(const Prices *prices, PgConnection *connection, GError **error)
{
  (void)connection;
  g_autoptr(PriceSync) sync = price_sync_new(prices->context->config, prices->dsn, error);
  g_autofree char *status = sync != NULL ? price_sync_status(sync, error) : NULL;
  if (status != NULL)
    printf("%s\n", status);
  return status != NULL;
}

static gboolean
run_held(const Prices *prices, PgConnection *connection, GError **error)
{
  g_autofree char *items = price_held_list(connection, error);
  g_autoptr(JsonTree) tree = items != NULL ? json_tree_parse(items, strlen(items), error) : NULL;
  if (tree == NULL)
    return FALSE;
  g_autofree char *text = prices->context->is_json ? g_strdup_printf("{\"items\":%s}\n", items)
                                                   : price_held_to_text(tree, prices->context->language);
  printf("%s", text);
  return TRUE;
}

/* The models that approve and reject are about; NULL for all that wait. */
static gboolean
chosen_models(const Prices *prices, const char *const **ret_names, GError **error)
{
  gboolean is_named = prices->operands[0] != NULL;
  *ret_names = is_named ? (const char *const *)prices->operands : NULL;
  if (is_named != prices->is_all)
    return TRUE;
  error_set(error, CCH_ERROR_USAGE, "name models, or give --all");
  return FALSE;
}

static PriceApplyOptions
approval_of(const Prices *prices, const char *holder)
{
  return (PriceApplyOptions){.is_dry_run = prices->is_dry_run,
                             .audit_type = "model_price.approve",
                             .operator_name = holder,
                             .lock_wait_s = (guint)prices->context->config->lock_wait_s};
}

static gboolean
run_approve(const Prices *prices, PgConnection *connection, GError **error)
{
  g_autofree char *holder = cli_holder("prices approve");
  PriceApplyOptions options = approval_of(prices, holder);
  const char *const *names = NULL;
  g_autoptr(PriceReport) report =
      chosen_models(prices, &names, error) ? price_held_approve(connection, names, &options, error) : NULL;
  if (report != NULL)
    print_report(prices, report);
  return report != NULL;
}

static gboolean
run_reject(const Prices *prices, PgConnection *connection, GError **error)
{
  g_autofree char *holder = cli_holder("prices reject");
  PriceApplyOptions options = approval_of(prices, holder);
  const char *const *names = NULL;
  g_auto(GStrv) rejected = NULL;
  if (!chosen_models(prices, &names, error) || !price_held_reject(connection, names, &options, &rejected, error))
    return FALSE;
  g_autofree char *text = prices->context->is_json
                              ? price_names_to_json("rejected", rejected, FALSE)
                              : price_names_to_text("x", rejected, FALSE, prices->context->language);
  printf("%s", text);
  return TRUE;
}

#define LIST_OPTIONS " source search provider vendor mode sort order page page-size "

static const Verb verbs[] = {
    {"import", "FILE|-", 1, 1, " dry-run manual overwrite-manual ", run_import},
    {"sync", "", 0, 0, " dry-run overwrite-manual force beside-hub ", run_sync},
    {"status", "", 0, 0, "", run_status},
    {"held", "", 0, 0, "", run_held},
    {"approve", "MODEL...|--all", 0, 1000, " dry-run all ", run_approve},
    {"reject", "MODEL...|--all", 0, 1000, " all ", run_reject},
    {"list", "", 0, 0, LIST_OPTIONS, run_list},
    {"get", "MODEL", 1, 1, "", run_get},
    {"set", "MODEL FIELD=VALUE...", 2, 1000, " dry-run ", run_set},
    {"delete", "MODEL...", 1, 1000, " dry-run ", run_delete},
    {"export", "[FILE]", 0, 1, " format replace source ", run_export},
};

/* An option that a verb does not know must not be passed over in silence: somebody relies on it. */
static gboolean
check_options(const Prices *prices, const Verb *verb, GError **error)
{
  const struct {
    const char *name;
    gboolean is_given;
  } options[] = {
      {"dry-run", prices->is_dry_run},
      {"manual", prices->is_manual},
      {"force", prices->is_forced},
      {"beside-hub", prices->is_beside_hub},
      {"all", prices->is_all},
      {"replace", prices->replaces},
      {"format", prices->format != NULL},
      {"overwrite-manual", prices->overwrite != NULL},
      {"source", prices->source != NULL},
      {"search", prices->search != NULL},
      {"provider", prices->provider != NULL},
      {"vendor", prices->vendor != NULL},
      {"mode", prices->mode != NULL},
      {"sort", prices->sort != NULL},
      {"order", prices->order != NULL},
      {"page", prices->page != DEFAULT_PAGE},
      {"page-size", prices->page_size != DEFAULT_PAGE_SIZE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
    g_autofree char *word = g_strdup_printf(" %s ", options[i].name);
    if (options[i].is_given && strstr(verb->options, word) == NULL) {
      error_set(error, CCH_ERROR_USAGE, "cch-data prices %s does not take --%s", verb->name, options[i].name);
      return FALSE;
    }
  }
  return TRUE;
}

static const Verb *
find_verb(const char *name, guint n_operands, GError **error)
{
  g_autoptr(GString) usage = g_string_new(NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++) {
    gboolean is_it = strcmp(verbs[i].name, name) == 0;
    if (is_it && n_operands >= verbs[i].min && n_operands <= verbs[i].max)
      return &verbs[i];
    if (is_it)
      g_string_assign(usage, "");
    g_string_append_printf(usage, "%scch-data prices %s %s", usage->len > 0 ? " | " : "", verbs[i].name,
                           verbs[i].arguments);
    if (is_it)
      break;
  }
  error_set(error, CCH_ERROR_USAGE, "%s", usage->str);
  return NULL;
}

static gboolean
run_verb(Prices *prices, const char *name, guint n_operands, GError **error)
{
  const Verb *verb = find_verb(name, n_operands, error);
  g_autoptr(CliTarget) target =
      verb != NULL && check_options(prices, verb, error) ? cli_target_open(prices->context, error) : NULL;
  if (target == NULL)
    return FALSE;
  prices->dsn = cli_target_dsn(target);
  g_autoptr(PgConnection) connection =
      pg_connection_open(prices->dsn, "cch-data prices", prices->context->cancellable, error);
  return connection != NULL && verb->run(prices, connection, error);
}

gboolean
cli_prices(CliContext *context, int argc, char **argv, GError **error)
{
  Prices prices = {.context = context, .page = DEFAULT_PAGE, .page_size = DEFAULT_PAGE_SIZE};
  const GOptionEntry entries[] = {
      {"dry-run", 'n', 0, G_OPTION_ARG_NONE, &prices.is_dry_run,
       "import, sync, set, delete: only show what would change", NULL},
      {"manual", 0, 0, G_OPTION_ARG_NONE, &prices.is_manual, "import: as manual prices, which syncs leave alone", NULL},
      {"overwrite-manual", 0, 0, G_OPTION_ARG_STRING_ARRAY, &prices.overwrite,
       "import, sync: overwrite this manual price; may be repeated", "MODEL"},
      {"force", 0, 0, G_OPTION_ARG_NONE, &prices.is_forced, "sync: although the table has shrunk by more than half",
       NULL},
      {"beside-hub", 0, 0, G_OPTION_ARG_NONE, &prices.is_beside_hub,
       "sync: although a hub keeps the price table itself; its fields are kept", NULL},
      {"all", 0, 0, G_OPTION_ARG_NONE, &prices.is_all, "approve, reject: all price changes that wait", NULL},
      {"format", 0, 0, G_OPTION_ARG_STRING, &prices.format, "export: json or toml", "FORMAT"},
      {"replace", 0, 0, G_OPTION_ARG_NONE, &prices.replaces, "export: replace an existing file", NULL},
      {"source", 0, 0, G_OPTION_ARG_STRING, &prices.source, "list, export: only cloud or manual prices", "SOURCE"},
      {"search", 0, 0, G_OPTION_ARG_STRING, &prices.search, "list: names that contain this", "TEXT"},
      {"provider", 0, 0, G_OPTION_ARG_STRING, &prices.provider, "list: of this LiteLLM provider", "NAME"},
      {"vendor", 0, 0, G_OPTION_ARG_STRING, &prices.vendor, "list: of this vendor", "NAME"},
      {"mode", 0, 0, G_OPTION_ARG_STRING, &prices.mode, "list: of this mode", "MODE"},
      {"sort", 0, 0, G_OPTION_ARG_STRING, &prices.sort, "list: by modelName, updatedAt, inputPrice, ...", "FIELD"},
      {"order", 0, 0, G_OPTION_ARG_STRING, &prices.order, "list: asc or desc", "ORDER"},
      {"page", 0, 0, G_OPTION_ARG_INT, &prices.page, "list: which page", "N"},
      {"page-size", 0, 0, G_OPTION_ARG_INT, &prices.page_size, "list: models a page (100)", "N"},
      {NULL},
  };
  CliParse parsed = cli_parse(context, entries, &argc, &argv, 1, 1001, error);
  prices.operands = argv + 2;
  gboolean is_done =
      parsed == CLI_PARSE_DONE || (parsed == CLI_PARSE_RUN && run_verb(&prices, argv[1], (guint)argc - 2, error));
  g_strfreev(prices.overwrite);
  char *texts[] = {prices.format, prices.search, prices.source, prices.provider,
                   prices.vendor, prices.mode,   prices.sort,   prices.order};
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    g_free(texts[i]);
  return is_done;
}
