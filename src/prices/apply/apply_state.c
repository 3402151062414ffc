#include "prices/apply/apply_state.h"

#include "base/exact/json_scan.h"

void
apply_clear(Apply *apply)
{
  g_free(apply->kind);
  g_free(apply->digest);
  g_array_unref(apply->models);
  g_ptr_array_unref(apply->texts);
  g_string_free(apply->changed, TRUE);
  g_string_free(apply->updated, TRUE);
  price_report_free(apply->report);
}

void
apply_append_model(GString *object, const PriceModel *model)
{
  g_string_append_c(object, object->len > 0 ? ',' : '{');
  json_quote(object, model->name);
  g_string_append_c(object, ':');
  g_string_append_len(object, model->json, (gssize)model->size);
}

void
apply_close_objects(Apply *apply)
{
  if (apply->changed->len > 0)
    g_string_append_c(apply->changed, '}');
  if (apply->updated->len > 0)
    g_string_append_c(apply->updated, '}');
}
