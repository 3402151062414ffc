/* The service: everything that `cch-data serve` starts, in order, and stops in reverse order. */
#pragma once

#include "config/config.h"

#include <gio/gio.h>

typedef struct {
  gboolean with_demo; /* fill the private cluster with plausible data if it is empty; never a DSN's */
  Language language;  /* of what is printed */
} ServiceOptions;

/* Runs until `stop` is triggered. FALSE when it could not start: CONFIG (also when another instance uses the data
 * directory), CLUSTER_FAILED, FILE. To be called on a thread that lives as long as the process: the cluster dies with
 * it. */
gboolean service_run(const Config *config, const ServiceOptions *options, GCancellable *stop, GError **error);
