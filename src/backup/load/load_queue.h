/* Passes COPY text from the one thread that reads an archive to the threads that load it.
 *
 * The text is split at row ends into blocks, which wait in one queue, in order, for any taker. Rows of a large table
 * are thus split between the takers, and small tables are loaded in parallel. The number of blocks is fixed: the
 * reading thread waits while all are in use. A row larger than a block is passed in parts, all to one taker.
 */
#pragma once

#include <glib.h>

#define ROW_BLOCK_BYTES (1024 * 1024)

typedef struct {
  gpointer table; /* passed to row_queue_begin */
  guint8 *data;
  gsize size;
  guint64 rows;     /* rows that end in the block */
  gboolean is_open; /* the block's last row continues in the next block */
} RowBlock;

typedef struct RowQueue RowQueue;

RowQueue *row_queue_new(guint n_blocks);
/* No thread may use the queue any more. */
void row_queue_free(RowQueue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RowQueue, row_queue_free)

/* What was queued for one table. */
typedef struct {
  guint64 blocks, rows, bytes;
} QueuedRows;

/* For the reading thread: begins a table, writes its rows in pieces of any size, ends it; finally finishes the
 * queue. FALSE once the queue was stopped. */
void row_queue_begin(RowQueue *queue, gpointer table);
gboolean row_queue_write(RowQueue *queue, const guint8 *data, gsize size);
gboolean row_queue_end(RowQueue *queue, QueuedRows *ret_rows);
void row_queue_finish(RowQueue *queue);

/* For the takers: returns the next block, NULL if none is left or the queue was stopped. The taker gives each block
 * back. `taker` identifies the taker. */
RowBlock *row_queue_take(RowQueue *queue, gconstpointer taker);
void row_queue_give_back(RowQueue *queue, RowBlock *block);

/* From any thread: wakes all waiting threads. */
void row_queue_stop(RowQueue *queue);
