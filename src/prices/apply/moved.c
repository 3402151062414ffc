#include "prices/apply/moved.h"

#include "base/exact/decimal.h"
#include "base/exact/json_tree.h"

#include <string.h>

typedef struct {
  GArray *issues;
  const char *model;
  guint factor;
  gboolean is_limit; /* for holding back: includes moves from zero */
} Moves;

static void
add_issue(const Moves *moves, PriceIssueCode code, const char *path, const char *new, const char *old)
{
  price_issues_add(moves->issues, code, moves->model, path, new, old);
}

static gboolean
is_beyond(const Decimal *a, const Decimal *b, guint factor)
{
  gboolean is_less = decimal_compare_size(a, b) < 0;
  g_autofree char *text = g_strdup_printf("%u", factor);
  g_auto(Decimal) limit = {0};
  g_auto(Decimal) largest = {0};
  decimal_parse(text, &limit);
  decimal_multiply(is_less ? a : b, &limit, &largest);
  return decimal_compare_size(is_less ? b : a, &largest) > 0;
}

static void
check_numbers(const Moves *moves, const char *path, const JsonTree *old, const JsonTree *new)
{
  g_auto(Decimal) before = {0};
  g_auto(Decimal) now = {0};
  if (!decimal_parse(old->text, &before) || !decimal_parse(new->text, &now))
    return;
  if (decimal_is_zero(&before)) {
    if (moves->is_limit && !decimal_is_zero(&now))
      add_issue(moves, PRICE_MOVED_FROM_ZERO, path, new->text, old->text);
  } else if (decimal_is_zero(&now)) {
    add_issue(moves, PRICE_MOVED_TO_ZERO, path, new->text, old->text);
  } else if (is_beyond(&before, &now, moves->factor)) {
    add_issue(moves, moves->is_limit ? PRICE_MOVED_BEYOND_LIMIT : PRICE_MOVED_TENFOLD, path, new->text, old->text);
  }
}

static void check_values(const Moves *moves, const char *path, gboolean is_cost, const JsonTree *old,
                         const JsonTree *new);

/* Compares members by name, elements by index. */
static void
check_children(const Moves *moves, const char *path, gboolean is_cost, const JsonTree *old, const JsonTree *new)
{
  for (guint i = 0; i < json_tree_size(new); i++) {
    const JsonTree *now = json_tree_child(new, i);
    gboolean is_element = now->key == NULL;
    const JsonTree *before = !is_element               ? json_tree_get(old, now->key)
                             : i < json_tree_size(old) ? json_tree_child(old, i)
                                                       : NULL;
    if (before == NULL)
      continue;
    g_autofree char *here = is_element ? g_strdup_printf("%s[%u]", path, i) : g_strdup_printf("%s.%s", path, now->key);
    gboolean is_cost_here = price_is_cost(is_cost, now->key, is_element ? 0 : strlen(now->key));
    check_values(moves, here, is_cost_here, before, now);
  }
}

static void
check_values(const Moves *moves, const char *path, gboolean is_cost, const JsonTree *old, const JsonTree *new)
{
  if (old->type != new->type)
    return;
  if (old->type == JSON_TOKEN_NUMBER && is_cost)
    check_numbers(moves, path, old, new);
  else if (old->children != NULL)
    check_children(moves, path, is_cost, old, new);
}

static void
check_field(const Moves *moves, const char *field, const char *old, const char *new)
{
  g_autoptr(JsonTree) before = json_tree_parse(old, strlen(old), NULL);
  g_autoptr(JsonTree) now = json_tree_parse(new, strlen(new), NULL);
  if (before != NULL && now != NULL)
    check_values(moves, field, price_is_cost(FALSE, field, strlen(field)), before, now);
}

void
price_moved_check(GArray *warnings, const char *model, const char *field, const char *old, const char *new)
{
  const Moves moves = {.issues = warnings, .model = model, .factor = 10};
  if (old != NULL && new != NULL)
    check_field(&moves, field, old, new);
}

void
price_moved_beyond(GArray *held, const char *model, const char *field, const char *old, const char *new, guint factor)
{
  const Moves moves = {.issues = held, .model = model, .factor = factor, .is_limit = TRUE};
  gboolean is_main = strcmp(field, "input_cost_per_token") == 0 || strcmp(field, "output_cost_per_token") == 0;
  if (old != NULL && (new != NULL || is_main))
    check_field(&moves, field, old, new != NULL ? new : "0");
}
