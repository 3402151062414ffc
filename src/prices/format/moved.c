#include "prices/format/moved.h"

#include "base/decimal.h"
#include "base/json_tree.h"
#include "prices/format/model.h"

#include <string.h>

static void
check_numbers(GArray *warnings, const char *model, const char *path, const JsonTree *old, const JsonTree *new)
{
  g_auto(Decimal) before = {0};
  g_auto(Decimal) now = {0};
  if (!decimal_parse(old->text, &before) || !decimal_parse(new->text, &now) || decimal_is_zero(&before))
    return;
  if (decimal_is_zero(&now)) {
    price_issues_add(warnings, PRICE_MOVED_TO_ZERO, model, path, new->text, old->text);
    return;
  }
  Decimal *smaller = decimal_compare_size(&before, &now) < 0 ? &before : &now;
  Decimal *larger = smaller == &before ? &now : &before;
  smaller->exponent++;
  if (decimal_compare_size(larger, smaller) > 0)
    price_issues_add(warnings, PRICE_MOVED_TENFOLD, model, path, new->text, old->text);
}

static void check_values(GArray *warnings, const char *model, const char *path, gboolean is_cost, const JsonTree *old,
                         const JsonTree *new);

/* Members by name, elements by place. */
static void
check_children(GArray *warnings, const char *model, const char *path, gboolean is_cost, const JsonTree *old,
               const JsonTree *new)
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
    check_values(warnings, model, here, is_cost_here, before, now);
  }
}

static void
check_values(GArray *warnings, const char *model, const char *path, gboolean is_cost, const JsonTree *old,
             const JsonTree *new)
{
  if (old->type != new->type)
    return;
  if (old->type == JSON_TOKEN_NUMBER && is_cost)
    check_numbers(warnings, model, path, old, new);
  else if (old->children != NULL)
    check_children(warnings, model, path, is_cost, old, new);
}

void
price_moved_check(GArray *warnings, const char *model, const char *field, const char *old, const char *new)
{
  if (old == NULL || new == NULL)
    return;
  g_autoptr(JsonTree) before = json_tree_parse(old, strlen(old), NULL);
  g_autoptr(JsonTree) now = json_tree_parse(new, strlen(new), NULL);
  if (before != NULL && now != NULL)
    check_values(warnings, model, field, price_is_cost(FALSE, field, strlen(field)), before, now);
}
