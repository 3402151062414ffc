#include "cli/prices/prices_text.h"

#include "base/json.h"
#include "base/text.h"

#include <string.h>

static void
append_names(GString *out, const char *sign, const GPtrArray *names)
{
  for (guint i = 0; i < names->len; i++)
    text_append_line(out, "%s %s", sign, (const char *)g_ptr_array_index(names, i));
}

static void
append_issues(GString *out, const char *sign, const GArray *issues, Language language)
{
  for (guint i = 0; i < issues->len; i++) {
    const PriceIssue *issue = &g_array_index(issues, PriceIssue, i);
    g_autofree char *reason = price_issue_text(issue, language);
    text_append_line(out, "%s %s: %s", sign, issue->model, reason);
  }
}

static void
append_fields(GString *out, const PriceChange *change)
{
  for (guint i = 0; i < change->fields->len; i++) {
    const PriceFieldChange *field = &g_array_index(change->fields, PriceFieldChange, i);
    if (field->old != NULL)
      text_append_line(out, "    - %s = %s", field->field, field->old);
    if (field->new != NULL)
      text_append_line(out, "    + %s = %s", field->field, field->new);
  }
}

static void
append_changes(GString *out, const PriceReport *report)
{
  for (guint i = 0; i < report->changes->len; i++) {
    const PriceChange *change = &g_array_index(report->changes, PriceChange, i);
    if (!change->is_new && strcmp(change->old_source, report->source) != 0)
      text_append_line(out, "~ %s (%s -> %s)", change->model, change->old_source, report->source);
    else
      text_append_line(out, "%s %s", change->is_new ? "+" : "~", change->model);
    if (report->is_dry_run)
      append_fields(out, change);
  }
}

char *
price_report_to_text(const PriceReport *report, Language language)
{
  gboolean is_zh = language == LANGUAGE_ZH_CN;
  g_autoptr(GString) out = g_string_new(NULL);
  append_changes(out, report);
  append_names(out, "-", report->removed);
  append_names(out, is_zh ? "= 保留手动价格" : "= manual price kept:", report->skipped);
  append_issues(out, is_zh ? "! 失败" : "! failed:", report->failed, language);
  append_issues(out, is_zh ? "? 注意" : "? look at", report->warnings, language);
  append_issues(out, is_zh ? "! 未生效，等待批准" : "! held back:", report->held, language);
  g_string_append_printf(out,
                         is_zh ? "%s新增 %u，更新 %u，未变 %u（其中保留手动价格 %u），删除 %u，失败 %u，共 %u 个模型\n"
                               : "%s%u added, %u updated, %u unchanged (%u of them manual prices that were kept), "
                                 "%u removed, %u failed, of %u models\n",
                         !report->is_dry_run ? ""
                         : is_zh             ? "试运行，未作更改："
                                             : "Dry run, nothing was changed: ",
                         report->added->len, report->updated->len, report->unchanged->len, report->skipped->len,
                         report->removed->len, report->failed->len, report->total);
  return g_string_free(g_steal_pointer(&out), FALSE);
}

/* A scalar's text, "-" if absent. */
static const char *
member_text(const JsonTree *object, const char *field)
{
  const JsonTree *value = json_tree_get(object, field);
  return value != NULL && value->text != NULL ? value->text : "-";
}

char *
price_items_to_text(const JsonTree *items)
{
  g_autoptr(GString) out = g_string_new(NULL);
  for (guint i = 0; i < json_tree_size(items); i++) {
    const JsonTree *item = json_tree_child(items, i), *data = json_tree_get(item, "priceData");
    text_append_line(out, "%-8s %-18s %14s %14s  %s", member_text(item, "source"), member_text(data, "mode"),
                     member_text(data, "input_cost_per_token"), member_text(data, "output_cost_per_token"),
                     member_text(item, "modelName"));
  }
  return g_string_free(g_steal_pointer(&out), FALSE);
}

static const char *
dry_run_note(gboolean is_dry_run, Language language)
{
  if (!is_dry_run)
    return "";
  return language == LANGUAGE_ZH_CN ? "试运行，未作更改\n" : "Dry run, nothing was changed\n";
}

static void
append_field(GString *out, char sign, const JsonTree *field)
{
  g_autoptr(GString) value = g_string_new(NULL);
  json_tree_write(field, value);
  text_append_line(out, "    %c %s = %s", sign, field->key, value->str);
}

/* The fields that differ between the two. */
static gboolean
field_differs(const JsonTree *field, const JsonTree *other)
{
  g_autoptr(GString) here = g_string_new(NULL);
  g_autoptr(GString) there = g_string_new(NULL);
  const JsonTree *same = json_tree_get(other, field->key);
  json_tree_write(field, here);
  if (same != NULL)
    json_tree_write(same, there);
  return same == NULL || strcmp(here->str, there->str) != 0;
}

char *
price_edit_to_text(const JsonTree *before, const JsonTree *after, Language language)
{
  const JsonTree *old = json_tree_get(before, "priceData"), *new = json_tree_get(after, "priceData");
  g_autoptr(GString) out = g_string_new(NULL);
  if (before != NULL && strcmp(member_text(before, "source"), member_text(after, "source")) != 0)
    text_append_line(out, "~ %s (%s -> %s)", member_text(after, "modelName"), member_text(before, "source"),
                     member_text(after, "source"));
  else
    text_append_line(out, "%s %s", before == NULL ? "+" : "~", member_text(after, "modelName"));
  for (guint i = 0; i < json_tree_size(old); i++)
    if (field_differs(json_tree_child(old, i), new))
      append_field(out, '-', json_tree_child(old, i));
  for (guint i = 0; i < json_tree_size(new); i++)
    if (field_differs(json_tree_child(new, i), old))
      append_field(out, '+', json_tree_child(new, i));
  g_string_append(out, dry_run_note(TRUE, language));
  return g_string_free(g_steal_pointer(&out), FALSE);
}

char *
price_names_to_text(const char *sign, char **names, gboolean is_dry_run, Language language)
{
  g_autoptr(GString) out = g_string_new(NULL);
  for (; *names != NULL; names++)
    text_append_line(out, "%s %s", sign, *names);
  g_string_append(out, dry_run_note(is_dry_run, language));
  return g_string_free(g_steal_pointer(&out), FALSE);
}

char *
price_names_to_json(const char *member, char **names, gboolean is_dry_run)
{
  json_t *list = json_array();
  for (char **name = names; *name != NULL; name++)
    json_array_append_new(list, json_string(*name));
  g_autoptr(json_t) result = json_pack("{s:o, s:b}", member, list, "dryRun", is_dry_run);
  g_autofree char *text = json_to_text(result);
  return g_strconcat(text, "\n", NULL);
}

char *
price_held_to_text(const JsonTree *items, Language language)
{
  g_autoptr(GString) out = g_string_new(NULL);
  gboolean is_zh = language == LANGUAGE_ZH_CN;
  for (guint i = 0; i < json_tree_size(items); i++) {
    const JsonTree *item = json_tree_child(items, i), *changes = json_tree_get(item, "changes");
    gboolean waits = g_strcmp0(member_text(item, "status"), "waiting") == 0;
    const char *status = waits ? (is_zh ? "等待批准" : "waits") : (is_zh ? "已拒绝" : "rejected");
    text_append_line(out, "%s (%s)", member_text(item, "modelName"), status);
    for (guint j = 0; j < json_tree_size(changes); j++) {
      const JsonTree *change = json_tree_child(changes, j);
      text_append_line(out, "    %s: %s -> %s", member_text(change, "field"), member_text(change, "old"),
                       member_text(change, "new"));
    }
  }
  if (json_tree_size(items) == 0)
    g_string_append(out, is_zh ? "没有等待批准的价格变化\n" : "No price change is held back\n");
  return g_string_free(g_steal_pointer(&out), FALSE);
}
