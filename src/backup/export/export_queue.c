#include "backup/export/export_queue.h"

typedef struct {
  GQueue pieces;
  gsize bytes;
} Lane;

struct ExportQueue {
  GMutex mutex;
  GCond has_pieces; /* for the reader */
  GCond has_room;   /* for the workers */
  guint n_workers;
  Lane *lanes;
  GQueue unused;
  gsize max_bytes;
  guint n_units, next_unit;
  gboolean is_stopped;
  GError *failure;
};

ExportQueue *
export_queue_new(guint n_workers, guint n_units, gsize max_bytes)
{
  ExportQueue *queue = g_new0(ExportQueue, 1);
  g_mutex_init(&queue->mutex);
  g_cond_init(&queue->has_pieces);
  g_cond_init(&queue->has_room);
  queue->n_workers = n_workers;
  queue->lanes = g_new0(Lane, n_workers);
  queue->n_units = n_units;
  queue->max_bytes = max_bytes;
  return queue;
}

static void
piece_free(gpointer data)
{
  ExportPiece *piece = data;
  archive_piece_clear(&piece->piece);
  g_free(piece);
}

void
export_queue_free(ExportQueue *queue)
{
  if (queue == NULL)
    return;
  for (guint i = 0; i < queue->n_workers; i++)
    g_queue_clear_full(&queue->lanes[i].pieces, piece_free);
  g_queue_clear_full(&queue->unused, piece_free);
  g_clear_error(&queue->failure);
  g_cond_clear(&queue->has_room);
  g_cond_clear(&queue->has_pieces);
  g_mutex_clear(&queue->mutex);
  g_free(queue->lanes);
  g_free(queue);
}

gboolean
export_queue_next_unit(ExportQueue *queue, guint *ret_unit)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  if (queue->is_stopped || queue->next_unit == queue->n_units)
    return FALSE;
  *ret_unit = queue->next_unit++;
  return TRUE;
}

ExportPiece *
export_queue_borrow(ExportQueue *queue)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  ExportPiece *piece = g_queue_pop_head(&queue->unused);
  if (piece == NULL)
    return g_new0(ExportPiece, 1);
  *piece = (ExportPiece){.piece = piece->piece};
  piece->piece.size = 0;
  piece->piece.raw_size = 0;
  return piece;
}

void
export_queue_return(ExportQueue *queue, ExportPiece *piece)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  /* Reuses the last one first: its memory is still in the cache. */
  g_queue_push_head(&queue->unused, piece);
}

gboolean
export_queue_push(ExportQueue *queue, guint worker, ExportPiece *piece)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  Lane *lane = &queue->lanes[worker];
  while (!queue->is_stopped && lane->bytes > 0 && lane->bytes + piece->piece.size > queue->max_bytes)
    g_cond_wait(&queue->has_room, &queue->mutex);
  if (queue->is_stopped) {
    g_queue_push_head(&queue->unused, piece);
    return FALSE;
  }
  g_queue_push_tail(&lane->pieces, piece);
  lane->bytes += piece->piece.size;
  g_cond_signal(&queue->has_pieces);
  return TRUE;
}

/* A worker whose first piece belongs to one of these units; -1 if there is none. */
static int
find_lane(ExportQueue *queue, guint first_unit, guint n_units, int from)
{
  for (guint i = 0; i < queue->n_workers; i++) {
    ExportPiece *piece = g_queue_peek_head(&queue->lanes[i].pieces);
    if (piece != NULL && (from < 0 || (guint)from == i) && piece->unit - first_unit < n_units)
      return (int)i;
  }
  return -1;
}

ExportPiece *
export_queue_pop(ExportQueue *queue, guint first_unit, guint n_units, int from, int *ret_worker)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  int found;
  while ((found = find_lane(queue, first_unit, n_units, from)) < 0 && !queue->is_stopped)
    g_cond_wait(&queue->has_pieces, &queue->mutex);
  if (queue->is_stopped)
    return NULL;
  Lane *lane = &queue->lanes[found];
  ExportPiece *piece = g_queue_pop_head(&lane->pieces);
  lane->bytes -= piece->piece.size;
  g_cond_broadcast(&queue->has_room);
  *ret_worker = found;
  return piece;
}

void
export_queue_stop(ExportQueue *queue, const GError *error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  if (!queue->is_stopped && error != NULL)
    queue->failure = g_error_copy(error);
  queue->is_stopped = TRUE;
  g_cond_broadcast(&queue->has_pieces);
  g_cond_broadcast(&queue->has_room);
}

gboolean
export_queue_failure(ExportQueue *queue, GError **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&queue->mutex);
  if (queue->failure == NULL)
    return FALSE;
  g_propagate_error(error, g_error_copy(queue->failure));
  return TRUE;
}
