/* Applies a price table to public.model_prices, in one transaction.
 *
 * Manual prices stay unless they are named. Data that is equal as PostgreSQL's jsonb (any order of keys and spelling of
 * numbers) is not written. A change leaves one row of the model. Appliers wait for each other (an advisory lock). While
 * one writes, a hub that writes waits, too; readers do not.
 *
 * Unchanged tables are recognised by a digest of their content, and a mark of the stored rows that changes with any
 * write, by anyone. The rules are in docs/prices.md. */
#pragma once

#include "pg/connection/connection.h"
#include "prices/format/table.h"

/* Begins a transaction that changes prices. search_path is the hub's, for triggers and checks of the table that use
 * unqualified names. */
#define PRICE_BEGIN "BEGIN; SET LOCAL search_path TO DEFAULT"

typedef struct {
  gboolean is_sync;             /* otherwise an upload */
  gboolean is_manual;           /* an upload that becomes manual prices */
  const char *const *overwrite; /* manual prices that may be overwritten; NULL: none */
  const char *const *leave_out; /* models that are left as they are; NULL: none */
  gboolean is_dry_run;          /* shows what would happen, with the changes of each field and the conflicts */
  gboolean is_forced;           /* allows a sync to shrink the table */
  guint change_limit;           /* a sync holds back changes beyond this factor (prices/apply/held.h); 0: none */
  gboolean keeps_hub_fields;    /* a sync keeps a model's fields that only the hub knows */
  const char *audit_type;       /* NULL: model_price.sync or .upload */
  const char *expected_state;   /* PRICES_STALE if the stored rows have another state; NULL: any */
  const char *operator_name, *operator_ip, *file_name; /* for the audit log; may be NULL */
  guint lock_wait_s;                                   /* wait for other writers of the table */
} PriceApplyOptions;

typedef struct {
  char *field;
  char *old, *new; /* JSON; NULL: absent */
} PriceFieldChange;

typedef struct {
  char *model;
  gboolean is_new;
  char *old_source; /* NULL for a new model */
  GArray *fields;   /* PriceFieldChange; of a new model only in a dry run */
} PriceChange;

typedef struct {
  char *model;
  char *manual, *cloud; /* JSON */
} PriceConflict;

typedef struct {
  gboolean is_dry_run;
  gboolean was_known; /* the whole table was recognised as unchanged */
  const char *source; /* source of changed models: "litellm", "cloud" or "manual" */
  GPtrArray *added, *updated, *unchanged, *skipped, *removed; /* names, sorted */
  GPtrArray *left_out;                                        /* models of `leave_out` that would have changed */
  GArray *failed, *warnings;                                  /* of PriceIssue */
  GArray *held;      /* PriceIssue: changes that were held back, by field; they are in none of the lists above */
  GArray *changes;   /* of PriceChange */
  GArray *conflicts; /* PriceConflict: differing manual prices */
  guint total;
  char *removed_data; /* {name: price data}, or NULL */
  char *state;        /* the mark of the stored rows afterwards */
} PriceReport;

/* PRICES_NO_TABLE, PRICES_SHRUNK, PRICES_STALE, DATABASE_*. The connection must not be in a transaction. */
PriceReport *price_apply(PgConnection *connection, const PriceTable *table, const PriceApplyOptions *options,
                         GError **error);
/* The report of a table that is known to be unchanged, without its text; the names are JSON arrays of strings. */
PriceReport *price_report_new_known(const char *unchanged, const char *skipped, gboolean is_dry_run, GError **error);
void price_report_free(PriceReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PriceReport, price_report_free)

/* {"added": […], …}: the reference's PriceUpdateResult with more members. Free with g_free. */
char *price_report_to_json(const PriceReport *report, Language language);
/* Appends the same members without the braces. */
void price_report_write(const PriceReport *report, Language language, GString *out);

/* Shared with the other writers of the table. */

typedef struct {
  gboolean has_state_tables;
  const char *cloud_source; /* "cloud" if that is the column's default, otherwise "litellm" */
} PriceCatalog;

/* PRICES_NO_TABLE if there is no usable table. */
gboolean price_catalog_read(PgConnection *connection, PriceCatalog *ret_catalog, GError **error);
/* In a transaction: nobody else can write model_prices until its end. */
gboolean price_lock_table(PgConnection *connection, guint lock_wait_s, GError **error);
/* The current mark of the stored rows; free with g_free. */
char *price_state_read(PgConnection *connection, GError **error);
