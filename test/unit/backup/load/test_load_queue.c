#include "backup/load/load_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

enum { N_TAKERS = 3, PAUSE_US = 50 * 1000 };

static char table_a, table_b;

static void
write_text(RowQueue *queue, const char *text)
{
  assert_true(row_queue_write(queue, (const guint8 *)text, strlen(text)));
}

/* A row of the given size, including its newline. */
static void
write_row(RowQueue *queue, gsize size)
{
  g_autofree char *row = g_malloc(size);
  memset(row, 'x', size - 1);
  row[size - 1] = '\n';
  assert_true(row_queue_write(queue, (const guint8 *)row, size));
}

static void
blocks_come_in_order_with_their_table_and_number_of_rows(void **state)
{
  g_autoptr(RowQueue) queue = row_queue_new(4);
  QueuedRows rows;
  row_queue_begin(queue, &table_a);
  write_text(queue, "1\n2");
  write_text(queue, "2\n");
  assert_true(row_queue_end(queue, &rows));
  assert_int_equal(rows.blocks, 1);
  assert_int_equal(rows.rows, 2);
  assert_int_equal(rows.bytes, 5);
  row_queue_begin(queue, &table_b);
  write_text(queue, "3\n");
  assert_true(row_queue_end(queue, &rows));
  row_queue_finish(queue);

  RowBlock *first = row_queue_take(queue, &first);
  assert_ptr_equal(first->table, &table_a);
  assert_int_equal(first->rows, 2);
  assert_memory_equal(first->data, "1\n22\n", first->size);
  RowBlock *second = row_queue_take(queue, &first);
  assert_ptr_equal(second->table, &table_b);
  assert_memory_equal(second->data, "3\n", second->size);
  assert_null(row_queue_take(queue, &first));
  row_queue_give_back(queue, first);
  row_queue_give_back(queue, second);
}

static void
a_table_without_rows_makes_no_block(void **state)
{
  g_autoptr(RowQueue) queue = row_queue_new(1);
  QueuedRows rows;
  row_queue_begin(queue, &table_a);
  write_text(queue, "");
  assert_true(row_queue_end(queue, &rows));
  assert_int_equal(rows.blocks, 0);
  row_queue_finish(queue);
  assert_null(row_queue_take(queue, &rows));
}

static void
blocks_end_where_rows_end(void **state)
{
  g_autoptr(RowQueue) queue = row_queue_new(8);
  QueuedRows rows;
  row_queue_begin(queue, &table_a);
  for (int i = 0; i < 5; i++)
    write_row(queue, ROW_BLOCK_BYTES / 2 - 10);
  assert_true(row_queue_end(queue, &rows));
  row_queue_finish(queue);
  assert_int_equal(rows.blocks, 3);
  RowBlock *block;
  while ((block = row_queue_take(queue, &rows)) != NULL) {
    assert_int_equal(block->size % (ROW_BLOCK_BYTES / 2 - 10), 0);
    assert_false(block->is_open);
    row_queue_give_back(queue, block);
  }
}

typedef struct {
  RowQueue *queue;
  GString *text;
} Taker;

static gpointer
take_all(gpointer data)
{
  Taker *taker = data;
  RowBlock *block;
  while ((block = row_queue_take(taker->queue, taker)) != NULL) {
    g_string_append_len(taker->text, (const char *)block->data, (gssize)block->size);
    row_queue_give_back(taker->queue, block);
  }
  return NULL;
}

/* Rows of all sizes, some larger than several blocks, with too few blocks for the takers and rows. */
static void
every_taker_gets_whole_rows_and_together_they_get_all(void **state)
{
  g_autoptr(RowQueue) queue = row_queue_new(3);
  Taker takers[N_TAKERS];
  GThread *threads[N_TAKERS];
  for (int i = 0; i < N_TAKERS; i++) {
    takers[i] = (Taker){.queue = queue, .text = g_string_new(NULL)};
    threads[i] = g_thread_new("taker", take_all, &takers[i]);
  }
  QueuedRows rows;
  guint64 bytes = 0;
  row_queue_begin(queue, &table_a);
  for (guint i = 0; i < 40; i++) {
    gsize size = i % 10 == 7 ? 3 * ROW_BLOCK_BYTES + i : 100000 + i * 777;
    write_row(queue, size);
    bytes += size;
  }
  assert_true(row_queue_end(queue, &rows));
  row_queue_finish(queue);
  assert_int_equal(rows.rows, 40);
  assert_int_equal(rows.bytes, bytes);
  guint64 taken = 0;
  for (int i = 0; i < N_TAKERS; i++) {
    g_thread_join(threads[i]);
    taken += takers[i].text->len;
    if (takers[i].text->len > 0)
      assert_int_equal(takers[i].text->str[takers[i].text->len - 1], '\n');
    g_string_free(takers[i].text, TRUE);
  }
  assert_int_equal(taken, bytes);
}

/* Takes a block and returns it a while later. */
static gpointer
take_one(gpointer data)
{
  RowQueue *queue = data;
  RowBlock *block = row_queue_take(queue, queue);
  g_usleep(PAUSE_US);
  row_queue_give_back(queue, block);
  return NULL;
}

static void
the_reading_thread_waits_while_all_blocks_are_on_their_way(void **state)
{
  g_autoptr(RowQueue) queue = row_queue_new(1);
  QueuedRows rows;
  row_queue_begin(queue, &table_a);
  write_text(queue, "1\n");
  assert_true(row_queue_end(queue, &rows));
  gint64 start_us = g_get_monotonic_time();
  GThread *thread = g_thread_new("taker", take_one, queue);
  row_queue_begin(queue, &table_b);
  write_text(queue, "2\n");
  assert_true(g_get_monotonic_time() - start_us >= PAUSE_US);
  g_thread_join(thread);
}

static gpointer
stop_later(gpointer queue)
{
  g_usleep(PAUSE_US);
  row_queue_stop(queue);
  return NULL;
}

static void
stopping_wakes_whoever_waits(void **state)
{
  g_autoptr(RowQueue) queue = row_queue_new(1);
  QueuedRows rows;
  row_queue_begin(queue, &table_a);
  write_text(queue, "1\n");
  assert_true(row_queue_end(queue, &rows));
  GThread *thread = g_thread_new("stop", stop_later, queue);
  assert_false(row_queue_write(queue, (const guint8 *)"2\n", 2));
  assert_false(row_queue_end(queue, &rows));
  assert_null(row_queue_take(queue, &rows));
  g_thread_join(thread);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_come_in_order_with_their_table_and_number_of_rows),
      cmocka_unit_test(a_table_without_rows_makes_no_block),
      cmocka_unit_test(blocks_end_where_rows_end),
      cmocka_unit_test(every_taker_gets_whole_rows_and_together_they_get_all),
      cmocka_unit_test(the_reading_thread_waits_while_all_blocks_are_on_their_way),
      cmocka_unit_test(stopping_wakes_whoever_waits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
