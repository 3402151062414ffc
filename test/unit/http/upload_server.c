#include "upload_server.h"

#include "base/error.h"
#include "http/multipart.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_BYTES (1024 * 1024)

struct UploadServer {
  HttpServer *server;
  gint n_open;
};

typedef struct {
  UploadServer *server;
  HttpMultipart *multipart;
  GString *seen;
  char *part;
  gsize part_bytes, all_bytes;
} Upload;

static void
end_part(Upload *upload)
{
  if (upload->part != NULL)
    g_string_append_printf(upload->seen, "%s=%" G_GSIZE_FORMAT ";", upload->part, upload->part_bytes);
  g_clear_pointer(&upload->part, g_free);
  upload->part_bytes = 0;
}

static gboolean
begin_part(gpointer user_data, const char *name, const char *file_name, GError **error)
{
  Upload *upload = user_data;
  end_part(upload);
  upload->part = file_name != NULL ? g_strdup_printf("%s[%s]", name, file_name) : g_strdup(name);
  if (strcmp(name, "forbidden") != 0)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "unknown field");
  return FALSE;
}

static gboolean
take_data(gpointer user_data, const guint8 *data, gsize size, GError **error)
{
  Upload *upload = user_data;
  g_assert(upload->part != NULL && data != NULL && size > 0);
  upload->part_bytes += size;
  upload->all_bytes += size;
  if (upload->all_bytes <= LIMIT_BYTES)
    return TRUE;
  error_set(error, CCH_ERROR_IMPORT_FILE_TOO_LARGE, "too large");
  return FALSE;
}

static const MultipartSink sink = {begin_part, take_data};

static void
upload_free(gpointer data)
{
  Upload *upload = data;
  g_atomic_int_add(&upload->server->n_open, -1);
  http_multipart_free(upload->multipart);
  g_string_free(upload->seen, TRUE);
  g_free(upload->part);
  g_free(upload);
}

static gpointer
upload_begin(HttpRequest *request, gpointer context, GError **error)
{
  Upload *upload = g_new0(Upload, 1);
  upload->server = context;
  upload->seen = g_string_new(NULL);
  g_atomic_int_inc(&upload->server->n_open);
  upload->multipart = http_multipart_new(request, &sink, upload, error);
  if (upload->multipart != NULL)
    return upload;
  upload_free(upload);
  return NULL;
}

static gboolean
upload_write(gpointer data, const guint8 *bytes, gsize size, GError **error)
{
  Upload *upload = data;
  return http_multipart_write(upload->multipart, bytes, size, error);
}

static HttpResponse *
upload_end(gpointer data, GError **error)
{
  Upload *upload = data;
  if (!http_multipart_end(upload->multipart, error))
    return NULL;
  end_part(upload);
  return http_response_json(200, json_pack("{s:o}", "seen", http_json_text(upload->seen->str)));
}

static const HttpUpload upload_functions = {upload_begin, upload_write, upload_end, upload_free};
static const HttpRoute routes[] = {{.method = "POST", .path = "/upload", .upload = &upload_functions}, HTTP_ROUTES_END};
static const HttpRoute *const tables[] = {routes, NULL};

UploadServer *
upload_server_new(guint idle_timeout_s)
{
  UploadServer *server = g_new0(UploadServer, 1);
  HttpServerOptions options = {.upload_idle_timeout_s = idle_timeout_s};
  server->server = http_server_new(&options);
  http_server_add_routes(server->server, tables, server);
  g_autoptr(GError) error = NULL;
  if (!http_server_start(server->server, &error))
    g_error("%s", error->message);
  return server;
}

void
upload_server_free(UploadServer *server)
{
  http_server_free(server->server);
  g_assert(server->n_open == 0);
  g_free(server);
}

int
upload_server_connect(UploadServer *server)
{
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    g_error("no connection");
  http_server_adopt(server->server, ends[0]);
  return ends[1];
}

/* A server that refuses may close before everything is sent. The fuzzer's timer interrupts calls. */
static void
send_pieces(int fd, const guint8 *bytes, gsize size, gsize piece_bytes)
{
  while (size > 0) {
    ssize_t n = TEMP_FAILURE_RETRY(send(fd, bytes, MIN(size, piece_bytes), MSG_NOSIGNAL));
    if (n <= 0)
      return;
    bytes += n;
    size -= (gsize)n;
  }
}

char *
upload_server_exchange(UploadServer *server, const guint8 *body, gsize size, gsize piece_bytes)
{
  int fd = upload_server_connect(server);
  g_autofree char *head =
      g_strdup_printf("POST /upload HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: "
                      "multipart/form-data; boundary=BOUNDARY\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n",
                      size);
  send_pieces(fd, (const guint8 *)head, strlen(head), strlen(head));
  send_pieces(fd, body, size, piece_bytes);
  GString *answer = g_string_new(NULL);
  char buffer[4096];
  for (ssize_t n; (n = TEMP_FAILURE_RETRY(recv(fd, buffer, sizeof buffer, 0))) > 0;)
    g_string_append_len(answer, buffer, n);
  close(fd);
  return g_string_free(answer, FALSE);
}

guint
upload_server_n_open(UploadServer *server)
{
  return (guint)g_atomic_int_get(&server->n_open);
}
