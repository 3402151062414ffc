/* Fills a database with plausible data for trials and benchmarks: users, keys, vendors, providers, prices, settings,
 * audit rows, and any number of request-log rows. Works with the hub's tables of any version, using the columns that
 * exist. The same seed gives the same data. None of the generated keys can log in. */
#pragma once

#include "pg/connection/connection.h"

typedef struct {
  guint64 n_requests;   /* rows of message_request */
  guint64 seed;         /* at most DEMO_MAX_SEED */
  gboolean add_to_data; /* even if there are users already */
} DemoOptions;

#define DEMO_MAX_REQUESTS 2000000000 /* its id is an integer */
#define DEMO_MAX_SEED     (G_MAXINT64 / 2)

/* Called on this thread before each batch of request-log rows, and once at the end. */
typedef void (*DemoProgressFunc)(guint64 rows_done, guint64 rows_total, gpointer user_data);

/* Fills the database in one transaction. DEMO_NOT_EMPTY if there are users and add_to_data is off. Uses the
 * connection's GCancellable. An empty request log is locked while its indexes are rebuilt, which is several times
 * faster than maintaining them. */
gboolean demo_fill(PgConnection *connection, const DemoOptions *options, DemoProgressFunc progress, gpointer user_data,
                   GError **error);
