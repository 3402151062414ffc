/* A live table as a merge sees it: the columns that it shares with the archive, the key that identifies its rows, and
 * the SQL fragments that follow. Used by the import and its preview.
 *
 * In the SQL, row l is of the live table and row s of the staging table (MERGE_STAGE), which holds the archive's
 * rows.
 */
#pragma once

#include "archive/toc/toc.h"
#include "pg/connection/connection.h"

#define MERGE_STAGE "pg_temp.cch_stage"

typedef struct {
  const TocEntry *entry;
  char *schema, *relation; /* where the rows go: the entry's table, or its root (entry_copy_target) */
  char *name;              /* the entry's table for messages, "public.users" */
  char *target;            /* quoted and qualified, for INSERT */
  char *from;              /* the same for reading and updating: without tables that inherit from it */
  char *stage_columns;     /* "id integer, name text": the archive's columns */
  char **shared;           /* names of the columns on both sides */
  char *columns;           /* the same, quoted: "id, name" */
  char *stage_list;        /* "s.id, s.name" */
  char *live_list;         /* "l.id, l.name" */
  char *set_list;          /* "id = s.id, name = s.name": the columns that an UPDATE may set */
  char *ignored;           /* columns of the archive that the live table lacks; NULL if there are none */
  char *defaulted;         /* columns of the live table that the archive lacks; NULL if there are none */
  char *missing;           /* a column that the live table requires and the archive lacks; NULL if there is none */
  char *key_filter; /* " AND NOT EXISTS (…)" for each key that covers all rows and that ON CONFLICT does not check */
  char *identity;   /* the condition that l and s are the same row; NULL without an identity */
  char *identity_live;      /* "l.id": NULL if there is no l */
  char *identity_stage;     /* "s.id" */
  char *identity_shown;     /* an expression that describes s in messages */
  char **identity_columns;  /* names of the identity's columns */
  char *identity_index;     /* the OID of the identity's index */
  char **always_identities; /* shared GENERATED ALWAYS AS IDENTITY columns outside the identity */
  char *check_at_once;      /* the statement that makes deferred keys check at once; NULL if there are none */
  gboolean is_row_by_row;   /* ON CONFLICT cannot be used */
  gboolean has_unique;      /* there is a key, be it one that identifies no rows */
} MergeTable;

/* Asks the catalog. IMPORT_INCOMPATIBLE if there is no such table. */
gboolean merge_table_read(PgConnection *connection, const TocEntry *entry, MergeTable *ret_table, GError **error);
void merge_table_clear(MergeTable *table);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MergeTable, merge_table_clear)

/* The condition that the existing rows l and s differ: neither equal byte by byte nor as text. Unlike IS DISTINCT
 * FROM it works for every type. */
char *merge_differs(const MergeTable *table);

/* A query for the staged rows that the live table lacks; only the identity counts, not other keys. Without an
 * identity, rows are compared as text, and a row is missing as many times as the archive has it more often than the
 * table. `filter` is appended to the condition. */
char *merge_missing_rows(const MergeTable *table, const char *filter);

/* How the staged rows of a table with an identity relate to the live rows. */
typedef struct {
  guint64 missing, different, identical;
  guint64 only_live; /* live rows without a staged one, if asked for */
} MergeComparison;

gboolean merge_compare(PgConnection *connection, const MergeTable *table, gboolean with_only_live,
                       MergeComparison *ret_comparison, GError **error);

/* Up to a few keys of staged rows that differ from the live ones, or also are missing, "id=1; id=5"; NULL if there are
 * none. */
gboolean merge_list_keys(PgConnection *connection, const MergeTable *table, gboolean with_missing, char **ret_keys,
                         GError **error);

/* The number of rows that merge_missing_rows returns. */
gboolean merge_count_missing(PgConnection *connection, const MergeTable *table, const char *filter,
                             guint64 *ret_missing, GError **error);

/* Deletes staged rows whose identity occurs earlier: keeps the first of each. */
gboolean merge_delete_twins(PgConnection *connection, const MergeTable *table, guint64 *ret_deleted, GError **error);
