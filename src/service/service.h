/* The service: everything that `cch-data serve` starts, in order, and stops in reverse order. */
#pragma once

#include "config/config.h"

#include <gio/gio.h>

typedef struct {
  gboolean with_demo; /* fill the private cluster with plausible data if it is empty; never a configured database */
  Language language;  /* of the printed messages */
} ServiceOptions;

/* Runs until `stop` is triggered. FALSE if it could not start: CONFIG (also if another instance uses the data
 * directory), CLUSTER_FAILED, FILE. Call it on a thread that lives as long as the process, because the cluster dies
 * with that thread. */
gboolean service_run(const Config *config, const ServiceOptions *options, GCancellable *stop, GError **error);
