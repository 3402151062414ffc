#include "backup/load/load_queue.h"

#include <string.h>

struct RowQueue {
  guint n_blocks;
  RowBlock *filling; /* filled by the reading thread; NULL: none yet */
  gpointer table;    /* the table being read */
  QueuedRows rows;   /* its rows so far */

  GMutex mutex; /* guards the members below */
  GCond changed;
  GQueue ready; /* RowBlock */
  GQueue spare; /* RowBlock */
  guint n_made;
  gconstpointer row_taker; /* the taker that has the beginning of a row and must get the rest; NULL: none */
  gboolean is_finished, is_stopped;
};

RowQueue *
row_queue_new(guint n_blocks)
{
  RowQueue *queue = g_new0(RowQueue, 1);
  queue->n_blocks = n_blocks;
  g_mutex_init(&queue->mutex);
  g_cond_init(&queue->changed);
  g_queue_init(&queue->ready);
  g_queue_init(&queue->spare);
  return queue;
}

static void
free_block(gpointer data)
{
  RowBlock *block = data;
  if (block == NULL)
    return;
  g_free(block->data);
  g_free(block);
}

void
row_queue_free(RowQueue *queue)
{
  if (queue == NULL)
    return;
  free_block(queue->filling);
  g_queue_clear_full(&queue->ready, free_block);
  g_queue_clear_full(&queue->spare, free_block);
  g_mutex_clear(&queue->mutex);
  g_cond_clear(&queue->changed);
  g_free(queue);
}

/* Waits for a spare block; NULL once stopped. */
static RowBlock *
get_spare(RowQueue *queue)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  while (!queue->is_stopped && queue->n_made == queue->n_blocks && g_queue_is_empty(&queue->spare))
    g_cond_wait(&queue->changed, &queue->mutex);
  if (queue->is_stopped)
    return NULL;
  RowBlock *block = g_queue_pop_head(&queue->spare);
  if (block == NULL) {
    block = g_new0(RowBlock, 1);
    block->data = g_malloc(ROW_BLOCK_BYTES);
    queue->n_made++;
  }
  block->size = 0;
  return block;
}

static guint64
count_rows(const RowBlock *block)
{
  guint64 rows = 0;
  for (gsize i = 0; i < block->size; i++)
    rows += block->data[i] == '\n';
  return rows;
}

static void
ship(RowQueue *queue, RowBlock *block, gboolean is_open)
{
  block->table = queue->table;
  block->is_open = is_open;
  block->rows = count_rows(block);
  queue->rows.blocks++;
  queue->rows.rows += block->rows;
  queue->rows.bytes += block->size;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  g_queue_push_tail(&queue->ready, block);
  g_cond_broadcast(&queue->changed);
}

/* Queues the full block up to the end of its last row; the rest begins the next block. */
static gboolean
ship_full(RowQueue *queue)
{
  RowBlock *next = get_spare(queue);
  if (next == NULL)
    return FALSE;
  RowBlock *block = g_steal_pointer(&queue->filling);
  queue->filling = next;
  const guint8 *last_end = memrchr(block->data, '\n', block->size);
  if (last_end != NULL) {
    gsize whole = (gsize)(last_end + 1 - block->data);
    next->size = block->size - whole;
    memcpy(next->data, block->data + whole, next->size);
    block->size = whole;
  }
  ship(queue, block, last_end == NULL);
  return TRUE;
}

void
row_queue_begin(RowQueue *queue, gpointer table)
{
  queue->table = table;
  queue->rows = (QueuedRows){0};
}

gboolean
row_queue_write(RowQueue *queue, const guint8 *data, gsize size)
{
  if (queue->filling == NULL && (queue->filling = get_spare(queue)) == NULL)
    return FALSE;
  while (size > 0) {
    if (queue->filling->size == ROW_BLOCK_BYTES && !ship_full(queue))
      return FALSE;
    gsize piece = MIN(size, ROW_BLOCK_BYTES - queue->filling->size);
    memcpy(queue->filling->data + queue->filling->size, data, piece);
    queue->filling->size += piece;
    data += piece;
    size -= piece;
  }
  return TRUE;
}

gboolean
row_queue_end(RowQueue *queue, QueuedRows *ret_rows)
{
  if (queue->filling != NULL && queue->filling->size > 0)
    ship(queue, g_steal_pointer(&queue->filling), FALSE);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  if (queue->is_stopped)
    return FALSE;
  *ret_rows = queue->rows;
  return TRUE;
}

void
row_queue_finish(RowQueue *queue)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  queue->is_finished = TRUE;
  g_cond_broadcast(&queue->changed);
}

RowBlock *
row_queue_take(RowQueue *queue, gconstpointer taker)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  while (!queue->is_stopped) {
    gboolean is_mine = queue->row_taker == NULL || queue->row_taker == taker;
    RowBlock *block = is_mine ? g_queue_pop_head(&queue->ready) : NULL;
    if (block != NULL) {
      queue->row_taker = block->is_open ? taker : NULL;
      g_cond_broadcast(&queue->changed);
      return block;
    }
    if (queue->is_finished && g_queue_is_empty(&queue->ready))
      return NULL;
    g_cond_wait(&queue->changed, &queue->mutex);
  }
  return NULL;
}

void
row_queue_give_back(RowQueue *queue, RowBlock *block)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  g_queue_push_tail(&queue->spare, block);
  g_cond_broadcast(&queue->changed);
}

void
row_queue_stop(RowQueue *queue)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  queue->is_stopped = TRUE;
  g_cond_broadcast(&queue->changed);
}
