/* Brings a price table into public.model_prices: all of it in one transaction, or nothing.
 *
 * Manual prices stay unless they are named; data that is equal as PostgreSQL's jsonb, whatever the order of keys and
 * the spelling of numbers, is not written; a change leaves one row of the model. Appliers wait for each other (an
 * advisory lock), and while one writes, a hub that writes waits too; readers do not.
 *
 * Unchanged tables are recognised by a digest of their content beside a mark of the stored rows, which any write to
 * them changes, whoever writes. docs/prices.md has the rules. */
#pragma once

#include "pg/connection/connection.h"
#include "prices/format/table.h"

/* Begins a transaction that changes prices. What triggers and checks of the table name without a schema is found as for
 * the hub. */
#define PRICE_BEGIN "BEGIN; SET LOCAL search_path TO DEFAULT"

typedef struct {
  gboolean is_sync;             /* else an upload */
  gboolean is_manual;           /* an upload that becomes manual prices */
  const char *const *overwrite; /* names of manual prices that may be overwritten; NULL: none */
  const char *const *leave_out; /* names of models that stay as they are, whatever the table has; NULL: none */
  gboolean is_dry_run;          /* tells what would happen, with the changes of each field and the conflicts */
  gboolean is_forced;           /* a sync that shrinks the table */
  guint change_limit;         /* a sync holds changes back that are beyond this factor (prices/apply/held.h); 0: none */
  gboolean keeps_hub_fields;  /* a sync leaves what a hub knows of a model and the table does not */
  const char *audit_type;     /* NULL: model_price.sync or .upload */
  const char *expected_state; /* PRICES_STALE when the stored rows are not as they were; NULL: whatever */
  const char *operator_name, *operator_ip, *file_name; /* for the audit; may be NULL */
  guint lock_wait_s;                                   /* for other writers of the table */
} PriceApplyOptions;

typedef struct {
  char *field;
  char *old, *new; /* JSON; NULL: not there */
} PriceFieldChange;

typedef struct {
  char *model;
  gboolean is_new;
  char *old_source; /* NULL when it is new */
  GArray *fields;   /* of PriceFieldChange; of a new model only in a dry run */
} PriceChange;

typedef struct {
  char *model;
  char *manual, *cloud; /* JSON */
} PriceConflict;

typedef struct {
  gboolean is_dry_run;
  gboolean was_known; /* the whole was recognised as unchanged */
  const char *source; /* that changed models got: "litellm", "cloud" or "manual" */
  GPtrArray *added, *updated, *unchanged, *skipped, *removed; /* names, in order */
  GPtrArray *left_out;                                        /* those of `leave_out` that would have changed */
  GArray *failed, *warnings;                                  /* of PriceIssue */
  GArray *held;    /* of PriceIssue: changes that were held back, field by field, and are in none of the lists above */
  GArray *changes; /* of PriceChange */
  GArray *conflicts; /* of PriceConflict: manual prices that differ */
  guint total;
  char *removed_data; /* {name: price data}, or NULL */
  char *state;        /* the mark of the stored rows afterwards */
} PriceReport;

/* PRICES_NO_TABLE, PRICES_SHRUNK, PRICES_STALE, DATABASE_*. The connection must not be in a transaction. */
PriceReport *price_apply(PgConnection *connection, const PriceTable *table, const PriceApplyOptions *options,
                         GError **error);
/* The report of a table that is known to be unchanged without its text; the names as JSON arrays of strings. */
PriceReport *price_report_new_known(const char *unchanged, const char *skipped, gboolean is_dry_run, GError **error);
void price_report_free(PriceReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PriceReport, price_report_free)

/* {"added": […], …}: the reference's PriceUpdateResult and more. Free with g_free. */
char *price_report_to_json(const PriceReport *report, Language language);
/* The same members without the braces, appended. */
void price_report_write(const PriceReport *report, Language language, GString *out);

/* The rest is shared with the other writers of the table. */

typedef struct {
  gboolean has_state_tables;
  const char *cloud_source; /* "cloud" where that is the column's default, else "litellm" */
} PriceCatalog;

/* PRICES_NO_TABLE when there is none that can be used. */
gboolean price_catalog_read(PgConnection *connection, PriceCatalog *ret_catalog, GError **error);
/* In a transaction: nobody else writes model_prices until its end. */
gboolean price_lock_table(PgConnection *connection, guint lock_wait_s, GError **error);
/* The mark of the stored rows now; free with g_free. */
char *price_state_read(PgConnection *connection, GError **error);
