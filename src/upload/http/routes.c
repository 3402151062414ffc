#include "upload/http/routes.h"

#include "base/error.h"
#include "base/text.h"
#include "upload/tus.h"

#include <string.h>

#define UPLOADS_PATH "/api/admin/database/uploads"
#define PIECE_TYPE   "application/offset+octet-stream"

/* One POST or PATCH. */
typedef struct {
  HttpRequest *request; /* outlives this */
  const UploadHttp *http;
  GCancellable *cancellable;
  UploadHold *hold; /* NULL once answered */
  gboolean is_new, has_checksum;
} Piece;

void
upload_http_explain_size(HttpRequest *request, const Config *config, guint64 size_bytes)
{
  Language language = http_request_language(request);
  double mib = 1024.0 * 1024.0, limit = (double)config->max_upload_bytes / mib;
  g_autofree char *details = size_bytes > 0
                                 ? text_format(TEXT_FILE_SIZE_DETAILS, language, (double)size_bytes / mib, limit)
                                 : text_format(TEXT_FILE_SIZE_DETAILS_UNKNOWN, language, limit);
  http_request_set_error_details(request, details);
}

static void
set_count(HttpResponse *response, const char *name, guint64 count)
{
  char text[24];
  g_snprintf(text, sizeof text, "%" G_GUINT64_FORMAT, count);
  http_response_set_header(response, name, text);
}

/* In the format of RFC 9110, in any locale. */
static void
set_expires(HttpResponse *response, gint64 time_s)
{
  static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_s);
  g_autofree char *clock = g_date_time_format(time, "%H:%M:%S");
  g_autofree char *text = g_strdup_printf("%s, %02d %s %04d %s GMT", days[g_date_time_get_day_of_week(time) - 1],
                                          g_date_time_get_day_of_month(time), months[g_date_time_get_month(time) - 1],
                                          g_date_time_get_year(time), clock);
  http_response_set_header(response, "Upload-Expires", text);
}

/* Client and server state the version, except for OPTIONS. */
static gboolean
check_version(HttpRequest *request, GError **error)
{
  const char *version = http_request_header(request, "Tus-Resumable");
  http_request_set_reply_header(request, "Tus-Resumable", TUS_VERSION);
  if (version != NULL && strcmp(version, TUS_VERSION) == 0)
    return TRUE;
  http_request_set_reply_header(request, "Tus-Version", TUS_VERSION);
  error_set(error, CCH_ERROR_UPLOAD_VERSION, "this is no request of the tus protocol, or of another version");
  return FALSE;
}

static gboolean
is_piece(const HttpRequest *request)
{
  const char *type = http_request_header(request, "Content-Type");
  return type != NULL && g_ascii_strcasecmp(type, PIECE_TYPE) == 0;
}

/* `ret_count` is -1 if the header is absent. */
static gboolean
read_count(const HttpRequest *request, const char *name, gint64 *ret_count, GError **error)
{
  const char *text = http_request_header(request, name);
  guint64 count;
  *ret_count = -1;
  if (text == NULL)
    return TRUE;
  if (!tus_parse_count(name, text, &count, error))
    return FALSE;
  *ret_count = (gint64)count;
  return TRUE;
}

/* The limit of a piece: bytes beyond the end of the upload are refused before they are sent. */
static gboolean
check_fits(const HttpRequest *request, guint64 offset, gint64 length, GError **error)
{
  gint64 size = http_request_content_length(request);
  if (length < 0 || size <= 0 || (guint64)size <= (guint64)length - offset)
    return TRUE;
  error_set(error, CCH_ERROR_REQUEST_TOO_LARGE, "more than the %" G_GINT64_FORMAT " bytes of Upload-Length", length);
  return FALSE;
}

static gboolean
expect_checksum(Piece *piece, GError **error)
{
  const char *text = http_request_header(piece->request, "Upload-Checksum");
  TusChecksum checksum;
  if (text == NULL)
    return TRUE;
  piece->has_checksum = tus_parse_checksum(text, &checksum, error) && upload_expect(piece->hold, &checksum, error);
  return piece->has_checksum;
}

/* Releases the hold before the answer is sent: the next request may arrive at once. */
static void
piece_let_go(Piece *piece, gboolean is_good)
{
  UploadHold *hold = g_steal_pointer(&piece->hold);
  if (hold != NULL && piece->is_new && !is_good)
    upload_discard(hold); /* nobody knows its id */
  else
    upload_hold_free(hold);
}

static void
piece_free(gpointer data)
{
  Piece *piece = data;
  piece_let_go(piece, FALSE);
  g_object_unref(piece->cancellable);
  g_free(piece);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Piece, piece_free)

static Piece *
piece_new(HttpRequest *request, const UploadHttp *http)
{
  Piece *piece = g_new0(Piece, 1);
  piece->request = request;
  piece->http = http;
  piece->cancellable = g_object_ref(http_request_cancellable(request));
  return piece;
}

/* Upload-Length, or Upload-Defer-Length: 1. */
static gboolean
read_length(HttpRequest *request, gint64 *ret_length, GError **error)
{
  const char *deferred = http_request_header(request, "Upload-Defer-Length");
  gint64 length;
  if (!read_count(request, "Upload-Length", &length, error))
    return FALSE;
  if (deferred != NULL ? length >= 0 || strcmp(deferred, "1") != 0 : length < 0) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "send either Upload-Length or Upload-Defer-Length: 1");
    return FALSE;
  }
  *ret_length = length;
  return TRUE;
}

static char *
read_file_name(const char *metadata, GError **error)
{
  g_autoptr(GError) problem = NULL;
  char *name = metadata != NULL ? tus_parse_file_name(metadata, &problem) : NULL;
  if (problem != NULL)
    g_propagate_error(error, g_steal_pointer(&problem));
  else if (name == NULL)
    error_set(error, CCH_ERROR_IMPORT_FILE_NAME, "Upload-Metadata must have a filename");
  return name;
}

static gpointer
create_begin(HttpRequest *request, gpointer context, GError **error)
{
  const UploadHttp *http = context;
  gint64 length;
  const char *metadata = http_request_header(request, "Upload-Metadata");
  if (!check_version(request, error) || !read_length(request, &length, error))
    return NULL;
  g_autofree char *name = read_file_name(metadata, error);
  if (name == NULL || !check_fits(request, 0, length, error))
    return NULL;
  if (http_request_content_length(request) != 0 && !is_piece(request) &&
      (http_request_content_length(request) > 0 || http_request_header(request, "Transfer-Encoding") != NULL)) {
    error_set(error, CCH_ERROR_REQUEST_MEDIA_TYPE, "a body must be " PIECE_TYPE);
    return NULL;
  }
  g_autoptr(Piece) piece = piece_new(request, http);
  g_autoptr(GError) problem = NULL;
  piece->is_new = TRUE;
  piece->hold = uploads_create(http->uploads, name, metadata, length, &problem);
  if (piece->hold == NULL) {
    if (error_code(problem) == CCH_ERROR_IMPORT_FILE_TOO_LARGE)
      upload_http_explain_size(request, http->config, (guint64)MAX(length, 0));
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  return expect_checksum(piece, error) ? g_steal_pointer(&piece) : NULL;
}

/* The piece must begin where the upload ends; it may state the length. */
static gboolean
check_place(Piece *piece, gint64 offset, gint64 length, GError **error)
{
  g_autoptr(UploadInfo) info = upload_info(piece->hold);
  if (info->offset != (guint64)offset) {
    error_set(error, CCH_ERROR_UPLOAD_OFFSET, "the upload has %" G_GUINT64_FORMAT " bytes", info->offset);
    return FALSE;
  }
  if (length >= 0 && !upload_set_length(piece->hold, (guint64)length, error))
    return FALSE;
  return check_fits(piece->request, info->offset, length >= 0 ? length : info->length, error);
}

static gpointer
append_begin(HttpRequest *request, gpointer context, GError **error)
{
  const UploadHttp *http = context;
  gint64 offset, length;
  if (!check_version(request, error) || !read_count(request, "Upload-Offset", &offset, error) ||
      !read_count(request, "Upload-Length", &length, error))
    return NULL;
  if (!is_piece(request)) {
    error_set(error, CCH_ERROR_REQUEST_MEDIA_TYPE, "the body must be " PIECE_TYPE);
    return NULL;
  }
  if (offset < 0) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "Upload-Offset is missing");
    return NULL;
  }
  g_autoptr(Piece) piece = piece_new(request, http);
  piece->hold = uploads_hold(http->uploads, http_request_parameter(request, "id"), error);
  if (piece->hold == NULL || !check_place(piece, offset, length, error) || !expect_checksum(piece, error))
    return NULL;
  return g_steal_pointer(&piece);
}

static gboolean
piece_write(gpointer upload, const guint8 *data, gsize size, GError **error)
{
  Piece *piece = upload;
  g_autoptr(GError) problem = NULL;
  if (g_cancellable_set_error_if_cancelled(piece->cancellable, error) ||
      !upload_append(piece->hold, data, size, &problem)) {
    if (problem != NULL && error_code(problem) == CCH_ERROR_IMPORT_FILE_TOO_LARGE)
      upload_http_explain_size(piece->request, piece->http->config, 0);
    if (problem != NULL)
      g_propagate_error(error, g_steal_pointer(&problem));
    piece_let_go(piece, FALSE);
    return FALSE;
  }
  return TRUE;
}

static HttpResponse *
piece_end(gpointer upload, GError **error)
{
  Piece *piece = upload;
  if (piece->has_checksum && !upload_verify(piece->hold, error)) {
    piece_let_go(piece, FALSE);
    return NULL;
  }
  g_autoptr(UploadInfo) info = upload_info(piece->hold);
  HttpResponse *response = http_response_empty(piece->is_new ? 201 : 204);
  if (piece->is_new) {
    g_autofree char *path = g_strconcat(UPLOADS_PATH "/", info->id, NULL);
    g_autofree char *location = http_request_link(piece->request, path);
    http_response_set_header(response, "Location", location);
  }
  set_count(response, "Upload-Offset", info->offset);
  set_expires(response, info->expires_s);
  piece_let_go(piece, TRUE);
  return response;
}

static const HttpUpload creation = {create_begin, piece_write, piece_end, piece_free};
static const HttpUpload appending = {append_begin, piece_write, piece_end, piece_free};

static HttpResponse *
get_options(HttpRequest *request, gpointer context, GError **error)
{
  (void)request;
  (void)error;
  const UploadHttp *http = context;
  HttpResponse *response = http_response_empty(204);
  http_response_set_header(response, "Tus-Resumable", TUS_VERSION);
  http_response_set_header(response, "Tus-Version", TUS_VERSION);
  http_response_set_header(response, "Tus-Extension", TUS_EXTENSIONS);
  http_response_set_header(response, "Tus-Checksum-Algorithm", TUS_CHECKSUM_ALGORITHMS);
  set_count(response, "Tus-Max-Size", http->config->max_upload_bytes);
  return response;
}

static json_t *
time_json(gint64 time_s)
{
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_s);
  g_autofree char *text = g_date_time_format_iso8601(time);
  return json_string(text);
}

static json_t *
describe_upload(const UploadInfo *info)
{
  return json_pack("{s:s, s:o, s:o, s:I, s:b, s:b, s:o, s:o, s:o}", "id", info->id, "fileName",
                   http_json_text(info->file_name), "length",
                   info->length >= 0 ? json_integer((json_int_t)info->length) : json_null(), "offset",
                   (json_int_t)info->offset, "isComplete", upload_info_is_complete(info), "isInUse", info->is_held,
                   "createdAt", time_json(info->created_s), "expiresAt", time_json(info->expires_s), "problem",
                   info->problem != NULL ? json_string(info->problem) : json_null());
}

/* HEAD is the protocol's; GET returns the same as JSON. */
static HttpResponse *
get_upload(HttpRequest *request, gpointer context, GError **error)
{
  const UploadHttp *http = context;
  if (http_request_is_head(request) && !check_version(request, error))
    return NULL;
  g_autoptr(UploadInfo) info = uploads_find(http->uploads, http_request_parameter(request, "id"), error);
  if (info == NULL)
    return NULL;
  HttpResponse *response = http_response_json(200, describe_upload(info));
  set_count(response, "Upload-Offset", info->offset);
  if (info->length >= 0)
    set_count(response, "Upload-Length", (guint64)info->length);
  else
    http_response_set_header(response, "Upload-Defer-Length", "1");
  if (info->metadata != NULL)
    http_response_set_header(response, "Upload-Metadata", info->metadata);
  set_expires(response, info->expires_s);
  return response;
}

static HttpResponse *
list_uploads(HttpRequest *request, gpointer context, GError **error)
{
  (void)request;
  (void)error;
  const UploadHttp *http = context;
  g_autoptr(GPtrArray) infos = uploads_list(http->uploads);
  json_t *uploads = json_array();
  for (guint i = 0; i < infos->len; i++)
    json_array_append_new(uploads, describe_upload(g_ptr_array_index(infos, i)));
  return http_response_json(200, json_pack("{s:o}", "uploads", uploads));
}

static HttpResponse *
delete_upload(HttpRequest *request, gpointer context, GError **error)
{
  const UploadHttp *http = context;
  if (!check_version(request, error) || !uploads_remove(http->uploads, http_request_parameter(request, "id"), error))
    return NULL;
  return http_response_empty(204);
}

static const HttpRoute routes[] = {
    {.method = "OPTIONS", .path = UPLOADS_PATH, .flags = HTTP_ROUTE_ADMIN, .handler = get_options},
    {.method = "OPTIONS", .path = UPLOADS_PATH "/{id}", .flags = HTTP_ROUTE_ADMIN, .handler = get_options},
    {.method = "GET", .path = UPLOADS_PATH, .flags = HTTP_ROUTE_ADMIN, .handler = list_uploads},
    {.method = "POST", .path = UPLOADS_PATH, .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES, .upload = &creation},
    {.method = "GET", .path = UPLOADS_PATH "/{id}", .flags = HTTP_ROUTE_ADMIN, .handler = get_upload},
    {
        .method = "PATCH",
        .path = UPLOADS_PATH "/{id}",
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES | HTTP_ROUTE_OVERRIDE,
        .upload = &appending,
    },
    {
        .method = "DELETE",
        .path = UPLOADS_PATH "/{id}",
        .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_CHANGES | HTTP_ROUTE_OVERRIDE,
        .handler = delete_upload,
    },
    HTTP_ROUTES_END,
};

const HttpRoute *const upload_http_routes[] = {routes, NULL};
