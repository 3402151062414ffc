/* Runs a claimed run to its end, and records it. */
#pragma once

#include "config/config.h"
#include "notify/notify.h"
#include "pg/pool/pool.h"
#include "schedule/catalog/runs.h"

typedef struct {
  const Config *config;
  PgPool *pool;
  Notify *notify;       /* NULL: a running service sends the messages */
  const char *runner;   /* as it was claimed */
  const char *identity; /* for encrypted backups; NULL: none */
  gboolean gives_back;  /* when it is cancelled, another runner may run it again */
} ExecuteOptions;

/* Takes the run. FALSE with the run's error, which is recorded. */
gboolean run_execute(const ExecuteOptions *options, Run *run, GCancellable *cancellable, GError **error);
