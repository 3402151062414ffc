#include "backup/export/export_queue.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above. */
#include <cmocka.h>

enum { N_WORKERS = 4, N_UNITS = 400, PIECES_PER_UNIT = 5, UNITS_PER_ENTRY = 3, PIECE_BYTES = 1000 };

static ExportPiece *
make_piece(ExportQueue *queue, guint unit, gsize size)
{
  ExportPiece *piece = export_queue_borrow(queue);
  piece->unit = unit;
  piece->piece.size = size;
  return piece;
}

typedef struct {
  ExportQueue *queue;
  guint number;
} Worker;

/* Queues all pieces of its units; the second piece of each continues in the third. */
static gpointer
work(gpointer data)
{
  Worker *worker = data;
  for (guint unit; export_queue_next_unit(worker->queue, &unit);) {
    for (guint i = 0; i < PIECES_PER_UNIT; i++) {
      ExportPiece *piece = make_piece(worker->queue, unit, PIECE_BYTES);
      piece->is_row_cut = i == 1;
      piece->is_unit_end = i == PIECES_PER_UNIT - 1;
      piece->totals.rows = i;
      if (!export_queue_push(worker->queue, worker->number, piece))
        return NULL;
    }
  }
  return NULL;
}

/* Takes all pieces of one entry; after a cut row, the next piece must come from the same worker. */
static void
take_entry(ExportQueue *queue, guint first_unit, guint n_units)
{
  int lane = -1;
  guint64 cut_row = 0;
  for (guint ended = 0; ended < n_units;) {
    int worker = -1;
    ExportPiece *piece = export_queue_pop(queue, first_unit, n_units, lane, &worker);
    assert_non_null(piece);
    assert_in_range(piece->unit, first_unit, first_unit + n_units - 1);
    if (lane >= 0) {
      assert_int_equal(worker, lane);
      assert_int_equal(piece->totals.rows, cut_row + 1);
    }
    lane = piece->is_row_cut ? worker : -1;
    cut_row = piece->totals.rows;
    ended += piece->is_unit_end ? 1 : 0;
    export_queue_return(queue, piece);
  }
}

static void
workers_that_run_ahead_wait_and_all_comes_in_order(void **state)
{
  (void)state;
  /* Room for one piece, for a few, and for everything. */
  static const gsize bounds[] = {1, 3 * PIECE_BYTES, 1000 * 1000 * 1000};
  for (gsize i = 0; i < G_N_ELEMENTS(bounds); i++) {
    g_autoptr(ExportQueue) queue = export_queue_new(N_WORKERS, N_UNITS, bounds[i]);
    Worker workers[N_WORKERS];
    GThread *threads[N_WORKERS];
    for (guint k = 0; k < N_WORKERS; k++) {
      workers[k] = (Worker){queue, k};
      threads[k] = g_thread_new("worker", work, &workers[k]);
    }
    for (guint unit = 0; unit < N_UNITS; unit += UNITS_PER_ENTRY)
      take_entry(queue, unit, MIN(UNITS_PER_ENTRY, N_UNITS - unit));
    for (guint k = 0; k < N_WORKERS; k++)
      g_thread_join(threads[k]);
    assert_false(export_queue_failure(queue, NULL));
  }
}

static gpointer
push_into_a_full_queue(gpointer data)
{
  ExportQueue *queue = data;
  gboolean is_pushed = export_queue_push(queue, 0, make_piece(queue, 0, PIECE_BYTES));
  return GINT_TO_POINTER(is_pushed);
}

static void
an_error_ends_who_waits_for_room(void **state)
{
  (void)state;
  g_autoptr(ExportQueue) queue = export_queue_new(1, 1, PIECE_BYTES);
  assert_true(export_queue_push(queue, 0, make_piece(queue, 0, PIECE_BYTES)));
  GThread *thread = g_thread_new("worker", push_into_a_full_queue, queue);
  g_usleep(50 * 1000);
  g_autoptr(GError) first = g_error_new(CCH_ERROR, CCH_ERROR_DATABASE_UNAVAILABLE, "the first");
  g_autoptr(GError) second = g_error_new(CCH_ERROR, CCH_ERROR_CANCELLED, "the second");
  export_queue_stop(queue, first);
  export_queue_stop(queue, second);
  assert_false(GPOINTER_TO_INT(g_thread_join(thread)));
  int worker;
  assert_null(export_queue_pop(queue, 0, 1, -1, &worker));
  g_autoptr(GError) error = NULL;
  assert_true(export_queue_failure(queue, &error));
  assert_string_equal(error->message, "the first");
  guint unit;
  assert_false(export_queue_next_unit(queue, &unit));
}

static gpointer
pop_from_an_empty_queue(gpointer data)
{
  int worker;
  return export_queue_pop(data, 0, 1, -1, &worker);
}

static void
an_end_without_an_error_ends_the_reader(void **state)
{
  (void)state;
  g_autoptr(ExportQueue) queue = export_queue_new(1, 1, PIECE_BYTES);
  GThread *thread = g_thread_new("reader", pop_from_an_empty_queue, queue);
  g_usleep(50 * 1000);
  export_queue_stop(queue, NULL);
  assert_null(g_thread_join(thread));
  assert_false(export_queue_failure(queue, NULL));
}

static void
a_piece_is_used_again_without_what_it_said(void **state)
{
  (void)state;
  g_autoptr(ExportQueue) queue = export_queue_new(1, 1, PIECE_BYTES);
  ExportPiece *piece = make_piece(queue, 7, 10);
  piece->is_unit_end = piece->is_row_cut = TRUE;
  piece->totals.rows = 3;
  export_queue_return(queue, piece);
  ExportPiece *again = export_queue_borrow(queue);
  assert_ptr_equal(again, piece);
  assert_int_equal(again->piece.size, 0);
  assert_int_equal(again->totals.rows, 0);
  assert_false(again->is_unit_end || again->is_row_cut);
  export_queue_return(queue, again);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(workers_that_run_ahead_wait_and_all_comes_in_order),
      cmocka_unit_test(an_error_ends_who_waits_for_room),
      cmocka_unit_test(an_end_without_an_error_ends_the_reader),
      cmocka_unit_test(a_piece_is_used_again_without_what_it_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
