/* Price tables of any bytes: JSON, TOML and the cloud's. Each accepted model is JSON that can be read again. Written as
 * TOML, the models read back the same, unless TOML cannot represent them. */
#include "prices/format/table.h"
#include "prices/format/toml_writer.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_toml(const PriceTable *table)
{
  g_autoptr(GString) toml = g_string_new("[models]\n");
  guint n = 0;
  for (guint i = 0; i < table->models->len; i++) {
    const PriceModel *model = &g_array_index(table->models, PriceModel, i);
    g_autoptr(JsonTree) tree = json_tree_parse(model->json, model->size, NULL);
    if (tree == NULL)
      abort();
    gsize length = toml->len;
    if (toml_write_model(toml, model->name, tree, NULL))
      n++;
    else
      g_string_truncate(toml, length);
  }
  g_autoptr(GError) error = NULL;
  g_autoptr(PriceTable) again = price_table_parse(toml->str, toml->len, PRICE_ORIGIN_FILE, &error);
  /* There each model is inside of two tables and may become too deep, and a number may not fit a double. */
  if (again != NULL && again->models->len != n)
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(PriceTable) table = price_table_parse((const char *)data, size, PRICE_ORIGIN_FILE, &error);
  if ((table == NULL) != (error != NULL))
    abort();
  if (table != NULL)
    check_toml(table);
  return 0;
}
