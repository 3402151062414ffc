#include "http/multipart.h"
#include "upload_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
/* cmocka.h needs the above. */
#include <cmocka.h>

#define FIELD(name)      "--BOUNDARY\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define FILE_PART(name)  "--BOUNDARY\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" name "\"\r\n\r\n"
#define CLOSING_BOUNDARY "\r\n--BOUNDARY--\r\n"

static void
assert_answer(const char *body, gsize size, gsize piece_bytes, const char *status, const char *wanted)
{
  g_autoptr(UploadServer) server = upload_server_new(10);
  g_autofree char *answer = upload_server_exchange(server, (const guint8 *)body, size, piece_bytes);
  g_autofree char *status_line = g_strdup_printf("HTTP/1.1 %s ", status);
  if (!g_str_has_prefix(answer, status_line) || strstr(answer, wanted) == NULL)
    fail_msg("in pieces of %zu: %s", piece_bytes, answer);
}

static void
parts_arrive_whole_however_the_body_is_split(void **state)
{
  (void)state;
  static const char body[] = FIELD("cleanFirst") "true\r\n" FILE_PART("a.dump") "PGDMP\r\n--BOUNDAR\r\n\r\0\n--x"
                                                                                "\r\n" FIELD("empty") CLOSING_BOUNDARY;
  for (gsize piece_bytes = 1; piece_bytes <= sizeof body; piece_bytes++)
    assert_answer(body, sizeof body - 1, piece_bytes, "200", "cleanFirst=4;file[a.dump]=24;empty=0;");
}

static void
a_body_larger_than_every_buffer_arrives_whole(void **state)
{
  (void)state;
  g_autoptr(GString) body = g_string_new(FILE_PART("a.dump"));
  for (guint i = 0; i < 900 * 1000; i++)
    g_string_append_c(body, "\r\n--BOUNDARX"[i % 12]);
  g_string_append(body, CLOSING_BOUNDARY);
  assert_answer(body->str, body->len, 4099, "200", "file[a.dump]=900000;");
}

static void
a_body_that_ends_early_is_refused(void **state)
{
  (void)state;
  static const char body[] = FILE_PART("a.dump") "PGDMP";
  assert_answer(body, sizeof body - 1, 7, "400", "closing boundary");
  static const char cut[] = FILE_PART("a.dump") "PGDMP\r\n--BOUNDARY";
  assert_answer(cut, sizeof cut - 1, 7, "400", "request.invalid");
}

static void
what_the_sink_refuses_is_answered_in_the_middle_of_the_body(void **state)
{
  (void)state;
  g_autoptr(GString) body = g_string_new(FIELD("forbidden") "x\r\n" FILE_PART("a.dump"));
  for (guint i = 0; i < 500 * 1000; i++)
    g_string_append_c(body, 'x');
  assert_answer(body->str, body->len, 4096, "400", "unknown field");
  g_autoptr(GString) large = g_string_new(FILE_PART("a.dump"));
  for (guint i = 0; i < 5 * 1000 * 1000; i++)
    g_string_append_c(large, 'x');
  assert_answer(large->str, large->len, 65536, "413", "import.file_too_large");
}

static void
parts_without_a_name_and_too_many_parts_are_refused(void **state)
{
  (void)state;
  static const char nameless[] = "--BOUNDARY\r\nContent-Disposition: form-data\r\n\r\nx" CLOSING_BOUNDARY;
  assert_answer(nameless, sizeof nameless - 1, 64, "400", "without a name");
  g_autoptr(GString) body = g_string_new(NULL);
  for (guint i = 0; i <= MULTIPART_MAX_PARTS; i++)
    g_string_append_printf(body, "--BOUNDARY\r\nContent-Disposition: form-data; name=\"f%u\"\r\n\r\nx\r\n", i);
  g_string_append(body, "--BOUNDARY--\r\n");
  assert_answer(body->str, body->len, 64, "400", "more than 128 parts");
}

static char *
read_answer(int fd)
{
  GString *answer = g_string_new(NULL);
  char buffer[4096];
  for (ssize_t n; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;)
    g_string_append_len(answer, buffer, n);
  return g_string_free(answer, FALSE);
}

static const char half_a_request[] = "POST /upload HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; "
                                     "boundary=BOUNDARY\r\nContent-Length: 1000\r\n\r\n" FILE_PART("a.dump");

static void
an_upload_that_stalls_is_told_so_and_freed(void **state)
{
  (void)state;
  g_autoptr(UploadServer) server = upload_server_new(1);
  int fd = upload_server_connect(server);
  assert_int_equal(send(fd, half_a_request, strlen(half_a_request), 0), strlen(half_a_request));
  g_autofree char *answer = read_answer(fd);
  assert_true(g_str_has_prefix(answer, "HTTP/1.1 408 "));
  assert_int_equal(upload_server_n_open(server), 0);
  close(fd);
}

static void
a_client_that_goes_away_frees_its_upload(void **state)
{
  (void)state;
  g_autoptr(UploadServer) server = upload_server_new(60);
  int fd = upload_server_connect(server);
  assert_int_equal(send(fd, half_a_request, strlen(half_a_request), 0), strlen(half_a_request));
  for (guint i = 0; i < 200 && upload_server_n_open(server) == 0; i++)
    g_usleep(10 * 1000);
  assert_int_equal(upload_server_n_open(server), 1);
  close(fd);
  for (guint i = 0; i < 200 && upload_server_n_open(server) > 0; i++)
    g_usleep(10 * 1000);
  assert_int_equal(upload_server_n_open(server), 0);
}

int
main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parts_arrive_whole_however_the_body_is_split),
      cmocka_unit_test(a_body_larger_than_every_buffer_arrives_whole),
      cmocka_unit_test(a_body_that_ends_early_is_refused),
      cmocka_unit_test(what_the_sink_refuses_is_answered_in_the_middle_of_the_body),
      cmocka_unit_test(parts_without_a_name_and_too_many_parts_are_refused),
      cmocka_unit_test(an_upload_that_stalls_is_told_so_and_freed),
      cmocka_unit_test(a_client_that_goes_away_frees_its_upload),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
