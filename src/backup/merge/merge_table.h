/* A live table as a merge sees it: which columns it shares with the archive, which key tells its rows apart, and the
 * pieces of SQL that follow from these. The import and its preview share it.
 *
 * In the SQL, row l is of the live table and row s of the staging table (MERGE_STAGE), which holds the archive's rows.
 */
#pragma once

#include "archive/toc/toc.h"
#include "pg/connection/connection.h"

#define MERGE_STAGE "pg_temp.cch_stage"

typedef struct {
  const TocEntry *entry;
  char *schema, *relation; /* where the rows go: the entry's table, or its root (entry_copy_target) */
  char *name;              /* "public.users", for messages: the entry's */
  char *target;            /* quoted and qualified, to insert into */
  char *from;              /* the same to read and update: without the tables that inherit from it */
  char *stage_columns;     /* "id integer, name text": the archive's columns */
  char **shared;           /* names of the columns that both have */
  char *columns;           /* the same, quoted: "id, name" */
  char *stage_list;        /* "s.id, s.name" */
  char *live_list;         /* "l.id, l.name" */
  char *set_list;          /* "id = s.id, name = s.name": what an UPDATE may set */
  char *ignored;           /* columns of the archive that the live table lacks; NULL for none */
  char *defaulted;         /* columns of the live table that the archive lacks; NULL for none */
  char *missing;           /* a column that the live table cannot do without and the archive lacks; NULL for none */
  char *key_filter;     /* " AND NOT EXISTS (…)" for each of the keys that cover all rows and that ON CONFLICT passes
                           over */
  char *identity;       /* the condition that l and s are the same row; NULL without such a key */
  char *identity_live;  /* "l.id": NULL where there is no l */
  char *identity_stage; /* "s.id" */
  char *identity_shown; /* an expression that names s to people */
  char **identity_columns;  /* their names */
  char *identity_index;     /* the OID of its index */
  char **always_identities; /* shared GENERATED ALWAYS AS IDENTITY columns that the identity does not hold */
  char *check_at_once;      /* the statement that has late keys checked at once; NULL for none */
  gboolean is_row_by_row;   /* ON CONFLICT cannot be used */
} MergeTable;

/* Asks the catalog. IMPORT_INCOMPATIBLE when there is no such table. */
gboolean merge_table_read(PgConnection *connection, const TocEntry *entry, MergeTable *ret_table, GError **error);
void merge_table_clear(MergeTable *table);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MergeTable, merge_table_clear)

/* The condition that l and s, of which both exist, have different values: not equal to the byte, and not written alike.
 * Unlike IS DISTINCT FROM it works for every type. */
char *merge_differs(const MergeTable *table);

/* A query for the staged rows that the live table lacks, without regard to keys beside the identity. Without an
 * identity a row is missing as often as the archive has it more often than the table, rows being compared as text.
 * `filter` is put at the end of the condition. */
char *merge_missing_rows(const MergeTable *table, const char *filter);

/* How the staged rows of a table with an identity relate to the live ones. */
typedef struct {
  guint64 missing, different, identical;
  guint64 only_live; /* live rows without a staged one, where they are asked for */
} MergeComparison;

gboolean merge_compare(PgConnection *connection, const MergeTable *table, gboolean with_only_live,
                       MergeComparison *ret_comparison, GError **error);

/* How many rows merge_missing_rows returns. */
gboolean merge_count_missing(PgConnection *connection, const MergeTable *table, const char *filter,
                             guint64 *ret_missing, GError **error);

/* Deletes staged rows whose identity another staged row has, all but the first of each. */
gboolean merge_delete_twins(PgConnection *connection, const MergeTable *table, guint64 *ret_deleted, GError **error);
