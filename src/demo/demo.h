/* Fills a database with plausible data, for trying things out and for benchmarks: users, keys, vendors, providers,
 * prices, settings, audit rows, and any number of request-log rows. Works on the hub's tables of any version, by the
 * columns that are there. The same seed makes the same data. No key that it makes opens the web interface. */
#pragma once

#include "pg/connection/connection.h"

typedef struct {
  guint64 n_requests;   /* rows of message_request */
  guint64 seed;         /* at most DEMO_MAX_SEED */
  gboolean add_to_data; /* although there are users already */
} DemoOptions;

#define DEMO_MAX_REQUESTS 2000000000 /* its id is an integer */
#define DEMO_MAX_SEED     (G_MAXINT64 / 2)

/* Called on this thread before each batch of request-log rows, and once at the end. */
typedef void (*DemoProgressFunc)(guint64 rows_done, guint64 rows_total, gpointer user_data);

/* Fills in one transaction: all of it is there afterwards, or nothing. DEMO_NOT_EMPTY when there are users and
 * add_to_data is off; the connection's GCancellable is heeded. A request log that is empty is locked while its indexes
 * are made anew, which is several times faster than to maintain them. */
gboolean demo_fill(PgConnection *connection, const DemoOptions *options, DemoProgressFunc progress, gpointer user_data,
                   GError **error);
