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
  PgConnection *connection;
  char **operands; /* after the verb */
  gboolean is_dry_run, is_manual, is_forced, is_beside_hub, is_all;
  char **overwrite;
  char *format, *search, *source, *provider, *vendor, *mode, *sort, *order;
  int page, page_size;
} Prices;

static gboolean
is_zh(const Prices *prices)
{
  return prices->context->language == LANGUAGE_ZH_CN;
}

/* Prices are printed as the text that was received: jansson's numbers are doubles. */
static void
print_report(const Prices *prices, const PriceReport *report)
{
  g_autofree char *text = prices->context->is_json ? price_report_to_json(report, prices->context->language)
                                                   : price_report_to_text(report, prices->context->language);
  printf("%s%s", text, prices->context->is_json ? "\n" : "");
}

static gboolean
run_import(gpointer command, GError **error)
{
  const Prices *prices = command;
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
  g_autoptr(PriceReport) report = price_apply(prices->connection, table, &options, error);
  if (report != NULL)
    print_report(prices, report);
  return report != NULL;
}

static gboolean
run_sync(gpointer command, GError **error)
{
  const Prices *prices = command;
  g_autofree char *holder = cli_holder("prices sync");
  const PriceSyncOptions options = {.overwrite = (const char *const *)prices->overwrite,
                                    .is_dry_run = prices->is_dry_run,
                                    .is_forced = prices->is_forced,
                                    .is_beside_hub = prices->is_beside_hub,
                                    .operator_name = holder};
  g_autoptr(PriceSync) sync = price_sync_new(prices->context->config, prices->dsn, NULL, error);
  g_autoptr(PriceReport) report =
      sync != NULL ? price_sync_run(sync, &options, NULL, prices->context->cancellable, error) : NULL;
  if (report != NULL)
    print_report(prices, report);
  return report != NULL;
}

static gboolean
check_words(const Prices *prices, GError **error)
{
  static const char *const formats[] = {"json", "toml", NULL};
  static const char *const sources[] = {"cloud", "manual", "litellm", NULL}, *const orders[] = {"asc", "desc", NULL};
  if (prices->page < 1 || prices->page_size < 1) {
    error_set(error, CCH_ERROR_USAGE, "--page and --page-size begin with 1");
    return FALSE;
  }
  return cli_check_word(prices->context, "--source", prices->source, sources, error) &&
         cli_check_word(prices->context, "--sort", prices->sort, price_sorts, error) &&
         cli_check_word(prices->context, "--order", prices->order, orders, error) &&
         cli_check_word(prices->context, "--format", prices->format, formats, error);
}

static gboolean
run_list(gpointer command, GError **error)
{
  const Prices *prices = command;
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
  if (!price_list(prices->connection, &filter, &items, &total, error))
    return FALSE;
  if (prices->context->is_json) {
    printf("{\"items\":%s,\"total\":%" G_GUINT64_FORMAT "}\n", items, total);
    return TRUE;
  }
  g_autoptr(JsonTree) tree = price_json_parse(items, strlen(items), error);
  g_autofree char *text = tree != NULL ? price_items_to_text(tree) : NULL;
  if (text == NULL)
    return FALSE;
  printf("%s", text);
  fprintf(stderr, is_zh(prices) ? "共 %" G_GUINT64_FORMAT " 个模型\n" : "%" G_GUINT64_FORMAT " models in all\n", total);
  return TRUE;
}

static gboolean
run_get(gpointer command, GError **error)
{
  const Prices *prices = command;
  g_autofree char *row = price_get(prices->connection, prices->operands[0], error);
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
  g_autoptr(JsonTree) old = before != NULL ? price_json_parse(before, strlen(before), error) : NULL;
  g_autoptr(JsonTree) new = before == NULL || old != NULL ? price_json_parse(after, strlen(after), error) : NULL;
  g_autofree char *text = new != NULL ? price_edit_to_text(old, new, prices->context->language) : NULL;
  if (text != NULL)
    printf("%s", text);
  return text != NULL;
}

/* Parses "field=value": JSON if valid, otherwise a text; "field=" removes the field. */
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
run_set(gpointer command, GError **error)
{
  const Prices *prices = command;
  g_autoptr(GString) object = g_string_new("{");
  for (char **assignment = prices->operands + 1; *assignment != NULL; assignment++)
    if (!append_assignment(object, *assignment, error))
      return FALSE;
  g_string_append_c(object, '}');
  g_autoptr(JsonTree) fields = price_json_parse(object->str, object->len, error);
  g_autofree char *holder = cli_holder("prices set");
  PriceEditor editor = editor_of(prices, holder);
  g_autofree char *name = price_name_trim(prices->operands[0]);
  g_autofree char *before = NULL;
  g_autofree char *row = fields != NULL ? price_set(prices->connection, name, fields, &editor, &before, error) : NULL;
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
run_delete(gpointer command, GError **error)
{
  const Prices *prices = command;
  g_autofree char *holder = cli_holder("prices delete");
  PriceEditor editor = editor_of(prices, holder);
  if (!price_delete(prices->connection, (const char *const *)prices->operands, TRUE, &editor, error))
    return FALSE;
  g_autofree char *text =
      prices->context->is_json
          ? price_names_to_json("deleted", prices->operands, prices->is_dry_run)
          : price_names_to_text("-", prices->operands, prices->is_dry_run, prices->context->language);
  printf("%s", text);
  return TRUE;
}

static gboolean
run_export(gpointer command, GError **error)
{
  const Prices *prices = command;
  const char *path = prices->operands[0] != NULL ? prices->operands[0] : "-";
  gboolean is_toml = prices->format != NULL ? strcmp(prices->format, "toml") == 0 : g_str_has_suffix(path, ".toml");
  g_autofree char *text =
      price_export(prices->connection, is_toml ? PRICE_EXPORT_TOML : PRICE_EXPORT_JSON, prices->source, error);
  g_autoptr(OutputFile) file = text != NULL ? output_file_create(path, prices->is_forced, error) : NULL;
  return file != NULL && output_file_write(file, (const guint8 *)text, strlen(text), error) &&
         output_file_commit(file, error);
}

static gboolean
run_status(gpointer command, GError **error)
{
  const Prices *prices = command;
  g_autoptr(PriceSync) sync = price_sync_new(prices->context->config, prices->dsn, NULL, error);
  g_autofree char *status = sync != NULL ? price_sync_status(sync, error) : NULL;
  if (status != NULL)
    printf("%s\n", status);
  return status != NULL;
}

static gboolean
run_held(gpointer command, GError **error)
{
  const Prices *prices = command;
  g_autofree char *items = price_held_list(prices->connection, error);
  g_autoptr(JsonTree) tree = items != NULL ? price_json_parse(items, strlen(items), error) : NULL;
  if (tree == NULL)
    return FALSE;
  g_autofree char *text = prices->context->is_json ? g_strdup_printf("{\"items\":%s}\n", items)
                                                   : price_held_to_text(tree, prices->context->language);
  printf("%s", text);
  return TRUE;
}

/* The models to approve or reject; NULL for all that wait. */
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
run_approve(gpointer command, GError **error)
{
  const Prices *prices = command;
  g_autofree char *holder = cli_holder("prices approve");
  PriceApplyOptions options = approval_of(prices, holder);
  const char *const *names = NULL;
  g_autoptr(PriceReport) report =
      chosen_models(prices, &names, error) ? price_held_approve(prices->connection, names, &options, error) : NULL;
  if (report != NULL)
    print_report(prices, report);
  return report != NULL;
}

static gboolean
run_reject(gpointer command, GError **error)
{
  const Prices *prices = command;
  g_autofree char *holder = cli_holder("prices reject");
  PriceApplyOptions options = approval_of(prices, holder);
  const char *const *names = NULL;
  g_auto(GStrv) rejected = NULL;
  if (!chosen_models(prices, &names, error) ||
      !price_held_reject(prices->connection, names, &options, &rejected, error))
    return FALSE;
  g_autofree char *text = prices->context->is_json
                              ? price_names_to_json("rejected", rejected, FALSE)
                              : price_names_to_text("x", rejected, FALSE, prices->context->language);
  printf("%s", text);
  return TRUE;
}

#define LIST_OPTIONS " source search provider vendor mode sort order page page-size "

static gboolean
run_verb(Prices *prices, const CliVerb *verb, GError **error)
{
  g_autoptr(CliTarget) target = check_words(prices, error) ? cli_target_open(prices->context, error) : NULL;
  if (target == NULL)
    return FALSE;
  prices->dsn = cli_target_dsn(target);
  g_autoptr(PgConnection) connection =
      pg_connection_open(prices->dsn, "cch-data prices", prices->context->cancellable, error);
  prices->connection = connection;
  return connection != NULL && verb->run(prices, error);
}

static const CliVerb verbs[] = {
    CLI_VERB("import", "FILE|-", 1, 1, " dry-run manual overwrite-manual ", run_import, "从 JSON 或 TOML 文件导入价格",
             "take prices from a JSON or TOML file",
             "cch-data prices import --dry-run prices.json\n"
             "cch-data prices import --manual ours.toml\n"),
    CLI_VERB("sync", "", 0, 0, " dry-run overwrite-manual force beside-hub ", run_sync, "立即从云端价格表同步",
             "sync with the cloud's price table now",
             "cch-data prices sync --dry-run\n"
             "cch-data prices sync --overwrite-manual gpt-4o\n"),
    CLI_VERB("status", "", 0, 0, "", run_status, "同步状态", "how the syncs fare", "cch-data prices status\n"),
    CLI_VERB("held", "", 0, 0, "", run_held, "列出等待批准的价格变化", "list the price changes that wait for approval",
             "cch-data prices held\n"),
    CLI_VERB("approve", "MODEL...|--all", 0, 1000, " dry-run all ", run_approve, "批准等待的价格变化",
             "let price changes that wait take effect", "cch-data prices approve gpt-4o\n"),
    CLI_VERB("reject", "MODEL...|--all", 0, 1000, " all ", run_reject, "拒绝等待的价格变化",
             "drop price changes that wait", "cch-data prices reject --all\n"),
    CLI_VERB("list", "", 0, 0, LIST_OPTIONS, run_list, "列出价格", "list prices",
             "cch-data prices list --search claude --sort inputPrice --order desc\n"),
    CLI_VERB("get", "MODEL", 1, 1, "", run_get, "显示一个模型的价格", "show a model's price",
             "cch-data prices get gpt-4o\n"),
    CLI_VERB("set", "MODEL FIELD=VALUE...", 2, 1000, " dry-run ", run_set, "手动设置一个模型的价格",
             "set a model's price by hand",
             "cch-data prices set my-model input_cost_per_token=0.000003 output_cost_per_token=0.000015\n"),
    CLI_VERB("delete", "MODEL...", 1, 1000, " dry-run ", run_delete, "删除模型的价格", "delete models' prices",
             "cch-data prices delete my-model\n"),
    CLI_VERB("export", "[FILE]", 0, 1, " format force replace source ", run_export, "导出价格表（JSON 或 TOML）",
             "write the price table as JSON or TOML", "cch-data prices export --source manual ours.toml\n"),
};

gboolean
cli_prices(CliContext *context, int argc, char **argv, GError **error)
{
  Prices prices = {.context = context, .page = DEFAULT_PAGE, .page_size = DEFAULT_PAGE_SIZE};
  const GOptionEntry entries[] = {
      {"dry-run", 'n', 0, G_OPTION_ARG_NONE, &prices.is_dry_run,
       cli_say(context, "只显示会有什么变化", "only show what would change"), NULL},
      {"manual", 0, 0, G_OPTION_ARG_NONE, &prices.is_manual,
       cli_say(context, "作为手动价格导入，同步不会改动它们", "as manual prices, which syncs leave alone"), NULL},
      {"overwrite-manual", 0, 0, G_OPTION_ARG_STRING_ARRAY, &prices.overwrite,
       cli_say(context, "覆盖此模型的手动价格；可重复", "overwrite this manual price; may be repeated"), "MODEL"},
      {"force", 0, 0, G_OPTION_ARG_NONE, &prices.is_forced,
       cli_say(context, "sync：价格表缩小一半以上时仍同步；export：文件已存在时替换",
               "sync: although the table has shrunk by more than half; export: replace an existing file"),
       NULL},
      {"beside-hub", 0, 0, G_OPTION_ARG_NONE, &prices.is_beside_hub,
       cli_say(context, "即使 Hub 自己维护价格表也同步；保留其字段",
               "although a hub keeps the price table itself; its fields are kept"),
       NULL},
      {"all", 0, 0, G_OPTION_ARG_NONE, &prices.is_all,
       cli_say(context, "所有等待的价格变化", "all price changes that wait"), NULL},
      {"format", 0, 0, G_OPTION_ARG_STRING, &prices.format, cli_say(context, "json 或 toml", "json or toml"), "FORMAT"},
      {"replace", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &prices.is_forced, "--force", NULL},
      {"source", 0, 0, G_OPTION_ARG_STRING, &prices.source,
       cli_say(context, "只要云端（cloud）或手动（manual）价格", "only cloud or manual prices"), "SOURCE"},
      {"search", 0, 0, G_OPTION_ARG_STRING, &prices.search,
       cli_say(context, "名称包含此文本", "names that contain this"), "TEXT"},
      {"provider", 0, 0, G_OPTION_ARG_STRING, &prices.provider,
       cli_say(context, "此 LiteLLM 供应商的", "of this LiteLLM provider"), "NAME"},
      {"vendor", 0, 0, G_OPTION_ARG_STRING, &prices.vendor, cli_say(context, "此厂商的", "of this vendor"), "NAME"},
      {"mode", 0, 0, G_OPTION_ARG_STRING, &prices.mode, cli_say(context, "此类型（mode）的", "of this mode"), "MODE"},
      {"sort", 0, 0, G_OPTION_ARG_STRING, &prices.sort,
       cli_say(context, "排序字段：modelName、updatedAt、inputPrice 等", "by modelName, updatedAt, inputPrice, ..."),
       "FIELD"},
      {"order", 0, 0, G_OPTION_ARG_STRING, &prices.order, cli_say(context, "asc 或 desc", "asc or desc"), "ORDER"},
      {"page", 0, 0, G_OPTION_ARG_INT, &prices.page, cli_say(context, "第几页", "which page"), "N"},
      {"page-size", 0, 0, G_OPTION_ARG_INT, &prices.page_size,
       cli_say(context, "每页模型数（100）", "models a page (100)"), "N"},
      {NULL},
  };
  const CliVerb *verb = NULL;
  CliParse parsed = cli_parse_verb(context, verbs, G_N_ELEMENTS(verbs), entries, &argc, &argv, &verb, error);
  prices.operands = argv + 1;
  gboolean is_done = parsed == CLI_PARSE_DONE || (parsed == CLI_PARSE_RUN && run_verb(&prices, verb, error));
  g_strfreev(prices.overwrite);
  char *texts[] = {prices.format, prices.search, prices.source, prices.provider,
                   prices.vendor, prices.mode,   prices.sort,   prices.order};
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    g_free(texts[i]);
  return is_done;
}
