/* Rows of one table in a batch: locked in the order of their ids, with some fields' values before and after.
 *
 * One UPDATE writes all differing rows, whatever their values. */
#pragma once

#include "batch/fields/field.h"
#include "pg/connection/connection.h"

typedef struct {
  gint64 id;
  gint64 owner_id; /* keys: the user's id */
  gboolean is_deleted;
  char *label;    /* the name, for people */
  guint n_fields; /* number of fields of the set */
  char **before;  /* the fields' values; NULL is SQL NULL */
  char **after;   /* the same at first */
} BatchRow;

typedef struct {
  BatchEntity entity;
  GPtrArray *fields; /* const BatchField */
  GPtrArray *rows;   /* BatchRow, by id */
  guint n_changed;   /* set by batch_rows_write */
} BatchRows;

/* Locks the rows with these ids and reads them. Omits rows that do not exist, or are deleted (unless
 * `with_deleted`): compare the number. `ids` is an int4[] value ("{1,2}"). Runs in the caller's transaction. */
BatchRows *batch_rows_lock(PgConnection *connection, BatchEntity entity, GPtrArray *fields, const char *ids,
                           gboolean with_deleted, GError **error);
void batch_rows_free(BatchRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BatchRows, batch_rows_free)

BatchRow *batch_rows_find(const BatchRows *rows, gint64 id);
/* Sets a new value for the field with that index. */
void batch_row_set(BatchRow *row, guint field, const char *value);
/* Whether a value before differs from the one after. */
gboolean batch_row_differs(const BatchRow *row);

/* Writes the rows whose `after` differs, with updated_at. Afterwards `after` has the stored values. */
gboolean batch_rows_write(PgConnection *connection, BatchRows *rows, GError **error);

/* "{1,2,3}" of sorted ids. */
char *batch_ids_value(const GArray *ids); /* gint64 */
