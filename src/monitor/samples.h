/* Figures about this service and its backups, under the names that Prometheus gets (metrics.def). */
#pragma once

#include <glib.h>

typedef enum {
#define METRIC(name, text, type, help) METRIC_##name,
#include "monitor/metrics.def"
#undef METRIC
  METRIC_N
} Metric;

typedef struct {
  Metric metric;
  const char *suffix; /* of a histogram's series: "_bucket", "_sum", "_count"; otherwise "" */
  char *labels;       /* "a=\"b\",c=\"d\""; "": none */
  double value;
} Sample;

typedef struct Samples Samples;

Samples *samples_new(void);
void samples_free(Samples *samples);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Samples, samples_free)

/* The labels are name, value, …, NULL; a NULL value omits its label. */
void samples_add(Samples *samples, Metric metric, double value, ...) G_GNUC_NULL_TERMINATED;
void samples_add_series(Samples *samples, Metric metric, const char *suffix, double value, ...) G_GNUC_NULL_TERMINATED;
/* By the published name; FALSE for an unknown one. */
gboolean samples_find_metric(const char *name, Metric *ret_metric);

guint samples_n(const Samples *samples);
const Sample *samples_nth(const Samples *samples, guint n);
/* The value of a label; free with g_free. NULL: there is no such label. */
char *sample_label(const Sample *sample, const char *name);

/* Prometheus's text format 0.0.4; free with g_free. */
char *samples_text(const Samples *samples);
