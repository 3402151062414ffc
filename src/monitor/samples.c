#include "monitor/samples.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

struct Samples {
  GArray *all; /* of Sample */
};

static const struct {
  const char *name, *type, *help;
} metrics[] = {
#define METRIC(name, text, type, help) [METRIC_##name] = {text, type, help},
#include "monitor/metrics.def"
#undef METRIC
};

static void
sample_clear(gpointer sample)
{
  g_free(((Sample *)sample)->labels);
}

Samples *
samples_new(void)
{
  Samples *samples = g_new0(Samples, 1);
  samples->all = g_array_new(FALSE, FALSE, sizeof(Sample));
  g_array_set_clear_func(samples->all, sample_clear);
  return samples;
}

void
samples_free(Samples *samples)
{
  if (samples == NULL)
    return;
  g_array_unref(samples->all);
  g_free(samples);
}

/* Escapes backslash, quote and line feed, as the format asks. */
static void
append_label(GString *labels, const char *name, const char *value)
{
  g_autofree char *valid = g_utf8_make_valid(value, -1);
  g_string_append_printf(labels, "%s%s=\"", labels->len > 0 ? "," : "", name);
  for (const char *at = valid; *at != '\0'; at++) {
    if (*at == '\\' || *at == '"')
      g_string_append_c(labels, '\\');
    if (*at == '\n')
      g_string_append(labels, "\\n");
    else
      g_string_append_c(labels, *at);
  }
  g_string_append_c(labels, '"');
}

static void
add(Samples *samples, Metric metric, const char *suffix, double value, va_list args)
{
  g_autoptr(GString) labels = g_string_new(NULL);
  for (const char *name; (name = va_arg(args, const char *)) != NULL;) {
    const char *text = va_arg(args, const char *);
    if (text != NULL)
      append_label(labels, name, text);
  }
  const Sample sample = {metric, suffix, g_string_free(g_steal_pointer(&labels), FALSE), value};
  g_array_append_val(samples->all, sample);
}

void
samples_add(Samples *samples, Metric metric, double value, ...)
{
  va_list args;
  va_start(args, value);
  add(samples, metric, "", value, args);
  va_end(args);
}

void
samples_add_series(Samples *samples, Metric metric, const char *suffix, double value, ...)
{
  va_list args;
  va_start(args, value);
  add(samples, metric, suffix, value, args);
  va_end(args);
}

gboolean
samples_find_metric(const char *name, Metric *ret_metric)
{
  for (Metric metric = 0; metric < METRIC_N; metric++)
    if (strcmp(metrics[metric].name, name) == 0) {
      *ret_metric = metric;
      return TRUE;
    }
  return FALSE;
}

guint
samples_n(const Samples *samples)
{
  return samples->all->len;
}

const Sample *
samples_nth(const Samples *samples, guint n)
{
  return &g_array_index(samples->all, Sample, n);
}

char *
sample_label(const Sample *sample, const char *name)
{
  g_autofree char *begin = g_strdup_printf("%s=\"", name);
  const char *at = sample->labels;
  while ((at = strstr(at, begin)) != NULL && at != sample->labels && at[-1] != ',')
    at++;
  if (at == NULL)
    return NULL;
  GString *value = g_string_new(NULL);
  for (at += strlen(begin); *at != '\0' && *at != '"'; at++) {
    gboolean is_escaped = *at == '\\';
    if (is_escaped)
      at++;
    g_string_append_c(value, is_escaped && *at == 'n' ? '\n' : *at);
  }
  return g_string_free(value, FALSE);
}

static void
append_value(GString *text, double value)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  if (isnan(value) || isinf(value))
    g_string_append(text, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
  else
    g_string_append(text, g_ascii_formatd(number, sizeof number, "%.15g", value));
}

/* All samples of a metric stand together, as the format asks. */
char *
samples_text(const Samples *samples)
{
  GString *text = g_string_new(NULL);
  for (Metric metric = 0; metric < METRIC_N; metric++) {
    gboolean is_first = TRUE;
    for (guint i = 0; i < samples->all->len; i++) {
      const Sample *sample = samples_nth(samples, i);
      if (sample->metric != metric)
        continue;
      if (is_first)
        g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", metrics[metric].name, metrics[metric].help,
                               metrics[metric].name, metrics[metric].type);
      is_first = FALSE;
      g_string_append_printf(text, "%s%s%s%s%s ", metrics[metric].name, sample->suffix,
                             *sample->labels != '\0' ? "{" : "", sample->labels, *sample->labels != '\0' ? "}" : "");
      append_value(text, sample->value);
      g_string_append_c(text, '\n');
    }
  }
  return g_string_free(text, FALSE);
}
