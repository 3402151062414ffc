/* COPY text on its way from the one thread that reads an archive to the threads that load it.
 *
 * The text is cut at row ends into blocks, which wait in one queue, in order, for whoever takes them; so the rows of a
 * large table are split between the takers, and small tables go side by side. There is a fixed number of blocks: the
 * reading thread waits while all are on their way. A row that is larger than a block goes in parts, all to one taker.
 */
#pragma once

#include <glib.h>

#define ROW_BLOCK_BYTES (1024 * 1024)

typedef struct {
  gpointer table; /* as given to row_queue_begin */
  guint8 *data;
  gsize size;
  guint64 rows;     /* that end in it */
  gboolean is_open; /* its last row goes on in the next block */
} RowBlock;

typedef struct RowQueue RowQueue;

RowQueue *row_queue_new(guint n_blocks);
/* Nobody uses it any more. */
void row_queue_free(RowQueue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RowQueue, row_queue_free)

/* What went in for one table. */
typedef struct {
  guint64 blocks, rows, bytes;
} QueuedRows;

/* The reading thread: begins a table, writes its rows in pieces of any size, ends it; in the end finishes the queue.
 * FALSE once the queue was stopped. */
void row_queue_begin(RowQueue *queue, gpointer table);
gboolean row_queue_write(RowQueue *queue, const guint8 *data, gsize size);
gboolean row_queue_end(RowQueue *queue, QueuedRows *ret_rows);
void row_queue_finish(RowQueue *queue);

/* The takers: the next block, NULL when there is none left or the queue was stopped. Each is given back. `taker` tells
 * them apart. */
RowBlock *row_queue_take(RowQueue *queue, gconstpointer taker);
void row_queue_give_back(RowQueue *queue, RowBlock *block);

/* From any thread: nobody waits any more. */
void row_queue_stop(RowQueue *queue);
