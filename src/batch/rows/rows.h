/* Rows of one table under a batch: locked in the order of their ids, with some fields' values before and after.
 *
 * All rows are written by one UPDATE, whatever their values are, and only those that differ. What was and what is
 * stored then is kept as JSON, for the audit and for taking it back. */
#pragma once

#include "batch/fields/field.h"
#include "pg/connection/connection.h"

typedef struct {
  gint64 id;
  gint64 owner_id; /* keys: the user's */
  gboolean is_deleted;
  char *label;    /* the name, for people */
  guint n_fields; /* of the set */
  char **before;  /* their values; NULL is SQL NULL */
  char **after;   /* likewise; at first the same */
} BatchRow;

typedef struct {
  BatchEntity entity;
  GPtrArray *fields; /* const BatchField */
  GPtrArray *rows;   /* BatchRow, by id */
  guint n_changed;   /* by batch_rows_write */
} BatchRows;

/* Locks the rows with these ids and reads them. Rows that are not there, or deleted (unless `with_deleted`), are left
 * out: compare the number. `ids` is an int4[] value ("{1,2}"). Runs in the caller's transaction. */
BatchRows *batch_rows_lock(PgConnection *connection, BatchEntity entity, GPtrArray *fields, const char *ids,
                           gboolean with_deleted, GError **error);
void batch_rows_free(BatchRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BatchRows, batch_rows_free)

BatchRow *batch_rows_find(const BatchRows *rows, gint64 id);
/* A new value for the set's field of that index. */
void batch_row_set(BatchRow *row, guint field, const char *value);

/* Writes the rows whose `after` differs, with updated_at; then `after` is what was stored. */
gboolean batch_rows_write(PgConnection *connection, BatchRows *rows, GError **error);

/* [{entity, id, name, changes: [{column, before, after}]}] of the rows that differ, with values as stored:
 * batch/rows/record.h shows it to people, and an undo sets it back. */
json_t *batch_rows_record(const BatchRows *rows);

/* "{1,2,3}" of sorted ids. */
char *batch_ids_value(const GArray *ids); /* gint64 */
