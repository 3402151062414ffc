#include "http/loop/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the above. */
#include <cmocka.h>

/* Waits for the next frame like the loop; NULL at the end. */
static char *
next_frame(SseQueue *queue)
{
  for (;;) {
    gboolean is_ended = FALSE;
    gint64 wake_us = 0;
    char *frame = sse_queue_take(queue, &is_ended, &wake_us);
    if (frame != NULL || is_ended)
      return frame;
    gint64 left_us = wake_us - g_get_monotonic_time();
    g_usleep((gulong)CLAMP(left_us, 0, 10 * 1000));
  }
}

static void
assert_next(SseQueue *queue, const char *wanted)
{
  g_autofree char *frame = next_frame(queue);
  assert_string_equal(frame != NULL ? frame : "", wanted);
}

static void
messages_keep_their_order_and_end_with_the_close(void **state)
{
  (void)state;
  g_autoptr(SseQueue) queue = sse_queue_new();
  sse_queue_push_message(queue, g_strdup("{\"n\":1}"));
  sse_queue_push_message(queue, g_strdup("{\"n\":2}"));
  sse_queue_close(queue);
  sse_queue_push_message(queue, g_strdup("{\"n\":3}"));
  assert_next(queue, "data: {\"n\":1}\n\n");
  assert_next(queue, "data: {\"n\":2}\n\n");
  assert_next(queue, "");
  assert_next(queue, "");
}

static void
of_progress_only_the_newest_is_sent(void **state)
{
  (void)state;
  g_autoptr(SseQueue) queue = sse_queue_new();
  sse_queue_push_progress(queue, g_strdup("1"));
  sse_queue_push_progress(queue, g_strdup("2"));
  assert_next(queue, "data: 2\n\n");
  gint64 begin_us = g_get_monotonic_time();
  sse_queue_push_progress(queue, g_strdup("3"));
  assert_next(queue, "data: 3\n\n");
  assert_true(g_get_monotonic_time() - begin_us >= 200 * 1000);
}

static void
a_message_replaces_older_progress(void **state)
{
  (void)state;
  g_autoptr(SseQueue) queue = sse_queue_new();
  sse_queue_push_progress(queue, g_strdup("old"));
  sse_queue_push_message(queue, g_strdup("message"));
  sse_queue_push_progress(queue, g_strdup("new"));
  sse_queue_close(queue);
  assert_next(queue, "data: message\n\n");
  assert_next(queue, "data: new\n\n");
  assert_next(queue, "");
}

static void
silence_is_broken_by_a_heartbeat_each_second(void **state)
{
  (void)state;
  g_autoptr(SseQueue) queue = sse_queue_new();
  gint64 begin_us = g_get_monotonic_time();
  assert_next(queue, ": \n\n");
  gint64 waited_us = g_get_monotonic_time() - begin_us;
  assert_true(waited_us >= 900 * 1000);
}

static gpointer
push_later(gpointer data)
{
  g_usleep(50 * 1000);
  sse_queue_push_message(data, g_strdup("late"));
  return NULL;
}

static void
a_reader_wakes_up_for_a_message(void **state)
{
  (void)state;
  g_autoptr(SseQueue) queue = sse_queue_new();
  GThread *thread = g_thread_new("push", push_later, queue);
  assert_next(queue, "data: late\n\n");
  g_thread_join(thread);
}

static void
count_change(gpointer user_data)
{
  (*(guint *)user_data)++;
}

static void
every_change_is_told_until_nobody_wants_to_know(void **state)
{
  (void)state;
  g_autoptr(SseQueue) queue = sse_queue_new();
  guint n_changes = 0;
  sse_queue_on_change(queue, count_change, &n_changes);
  sse_queue_push_message(queue, g_strdup("1"));
  sse_queue_push_progress(queue, g_strdup("2"));
  sse_queue_close(queue);
  assert_int_equal(n_changes, 3);
  sse_queue_on_change(queue, NULL, NULL);
  sse_queue_close(queue);
  assert_int_equal(n_changes, 3);
}

static void
a_client_that_reads_nothing_costs_bounded_memory_and_gets_the_last_message(void **state)
{
  (void)state;
  g_autoptr(SseQueue) queue = sse_queue_new();
  const gsize message_bytes = 64 * 1024;
  const guint n_messages = 4 * SSE_MAX_QUEUED_BYTES / (64 * 1024);
  for (guint i = 0; i < n_messages; i++)
    sse_queue_push_message(queue, g_strnfill(message_bytes, 'x'));
  sse_queue_push_message(queue, g_strdup("last"));
  sse_queue_close(queue);
  gsize total = 0;
  g_autofree char *last = NULL;
  for (char *frame; (frame = next_frame(queue)) != NULL; total += strlen(frame)) {
    g_free(last);
    last = frame;
  }
  assert_true(total <= SSE_MAX_QUEUED_BYTES + SSE_MAX_QUEUED_BYTES / 8);
  assert_true(total >= SSE_MAX_QUEUED_BYTES / 2);
  assert_string_equal(last, "data: last\n\n");
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_keep_their_order_and_end_with_the_close),
      cmocka_unit_test(of_progress_only_the_newest_is_sent),
      cmocka_unit_test(a_message_replaces_older_progress),
      cmocka_unit_test(silence_is_broken_by_a_heartbeat_each_second),
      cmocka_unit_test(a_reader_wakes_up_for_a_message),
      cmocka_unit_test(every_change_is_told_until_nobody_wants_to_know),
      cmocka_unit_test(a_client_that_reads_nothing_costs_bounded_memory_and_gets_the_last_message),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
