/* POST …:upload: a price table as a form with a file, or as JSON. */
#include "base/error.h"
#include "base/exact/json_tree.h"
#include "http/multipart.h"
#include "prices/apply/apply.h"
#include "prices/format/model.h"
#include "prices/http/endpoints.h"

#include <string.h>

enum { BODY_MAX_BYTES = 2 * PRICES_MAX_BYTES + 1024 * 1024 /* of JSON, where the content is escaped */ };

#define OVERWRITE "overwriteManual"
#define LEAVE_OUT "leaveOut"

typedef struct {
  HttpRequest *request;
  const PriceHttp *http;
  HttpMultipart *multipart; /* NULL: the body is JSON */
  GString *body;            /* JSON */
  GString *content, *source, *dry_run, *expected_state;
  GPtrArray *overwrite, *leave_out; /* GString; the last one may still grow */
  GString *part;                    /* target of the current multipart field */
  gsize part_max_bytes;
  char *file_name;
  gboolean has_content;
} Upload;

static void
free_string(gpointer string)
{
  g_string_free(string, TRUE);
}

/* The list for a field with names; NULL for another field. */
static GPtrArray **
names_called(Upload *upload, const char *name)
{
  if (strcmp(name, OVERWRITE) == 0)
    return &upload->overwrite;
  return strcmp(name, LEAVE_OUT) == 0 ? &upload->leave_out : NULL;
}

static gboolean
refuse_names(const char *name, GError **error)
{
  error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s must be an array of names", name);
  return FALSE;
}

static gboolean
refuse_size(GError **error)
{
  error_set(error, CCH_ERROR_PRICES_TOO_LARGE, "at most %d MB are read", PRICES_MAX_BYTES / (1024 * 1024));
  return FALSE;
}

static gboolean
begin_part(gpointer user_data, const char *name, const char *file_name, GError **error)
{
  Upload *upload = user_data;
  upload->part_max_bytes = PRICE_HTTP_BODY_MAX_BYTES;
  if (strcmp(name, "file") == 0 || strcmp(name, "content") == 0) {
    if (upload->has_content) {
      error_set(error, CCH_ERROR_REQUEST_PARAMETER, "one file at a time");
      return FALSE;
    }
    upload->has_content = TRUE;
    upload->file_name = g_strdup(file_name);
    upload->part = upload->content;
    upload->part_max_bytes = PRICES_MAX_BYTES;
  } else if (strcmp(name, "source") == 0) {
    upload->part = upload->source;
  } else if (strcmp(name, "dryRun") == 0) {
    upload->part = upload->dry_run;
  } else if (strcmp(name, "expectedState") == 0) {
    upload->part = upload->expected_state;
  } else if (names_called(upload, name) != NULL) {
    upload->part = g_string_new(NULL);
    g_ptr_array_add(*names_called(upload, name), upload->part);
  } else {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "unknown field: %.64s", name);
    return FALSE;
  }
  return TRUE;
}

static gboolean
take_part(gpointer user_data, const guint8 *data, gsize size, GError **error)
{
  Upload *upload = user_data;
  if (upload->part->len + size > upload->part_max_bytes)
    return refuse_size(error);
  g_string_append_len(upload->part, (const char *)data, (gssize)size);
  return TRUE;
}

static const MultipartSink sink = {begin_part, take_part};

static void
upload_free(gpointer data)
{
  Upload *upload = data;
  http_multipart_free(upload->multipart);
  g_string_free(upload->body, TRUE);
  if (upload->content != NULL)
    g_string_free(upload->content, TRUE);
  g_string_free(upload->source, TRUE);
  g_string_free(upload->dry_run, TRUE);
  g_string_free(upload->expected_state, TRUE);
  g_ptr_array_unref(upload->overwrite);
  g_ptr_array_unref(upload->leave_out);
  g_free(upload->file_name);
  g_free(upload);
}

static gpointer
upload_begin(HttpRequest *request, gpointer context, GError **error)
{
  if (http_request_content_length(request) > BODY_MAX_BYTES) {
    refuse_size(error);
    return NULL;
  }
  Upload *upload = g_new0(Upload, 1);
  upload->request = request;
  upload->http = context;
  /* In one piece: growing, it would be copied again and again. */
  gsize size = (gsize)MAX(http_request_content_length(request), 0);
  upload->body = g_string_sized_new(http_request_is_json(request) ? size + 1 : 0);
  upload->content = g_string_sized_new(http_request_is_json(request) ? 0 : size + 1);
  upload->source = g_string_new(NULL);
  upload->dry_run = g_string_new(NULL);
  upload->expected_state = g_string_new(NULL);
  upload->overwrite = g_ptr_array_new_with_free_func(free_string);
  upload->leave_out = g_ptr_array_new_with_free_func(free_string);
  if (http_request_is_json(request))
    return upload;
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
  if (upload->multipart != NULL)
    return http_multipart_write(upload->multipart, bytes, size, error);
  if (upload->body->len + size > BODY_MAX_BYTES)
    return refuse_size(error);
  g_string_append_len(upload->body, (const char *)bytes, (gssize)size);
  return TRUE;
}

static gboolean
read_names(GPtrArray *names, const char *key, const JsonTree *given, GError **error)
{
  if (given->type != JSON_TOKEN_ARRAY)
    return refuse_names(key, error);
  for (guint i = 0; i < json_tree_size(given); i++) {
    const JsonTree *name = json_tree_child(given, i);
    if (name->type != JSON_TOKEN_STRING)
      return refuse_names(key, error);
    g_ptr_array_add(names, g_string_new(name->text));
  }
  return TRUE;
}

static gboolean
read_member(Upload *upload, const JsonTree *member, GError **error)
{
  GPtrArray **names = names_called(upload, member->key);
  if (names != NULL)
    return read_names(*names, member->key, member, error);
  gboolean is_dry_run = strcmp(member->key, "dryRun") == 0;
  JsonToken wanted = is_dry_run ? JSON_TOKEN_TRUE : JSON_TOKEN_STRING;
  if (member->type != wanted && !(is_dry_run && member->type == JSON_TOKEN_FALSE)) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%.64s must be %s", member->key,
              is_dry_run ? "true or false" : "a string");
    return FALSE;
  }
  if (strcmp(member->key, "content") == 0) {
    upload->has_content = TRUE;
    g_string_assign(upload->content, member->text);
  } else if (strcmp(member->key, "source") == 0) {
    g_string_assign(upload->source, member->text);
  } else if (strcmp(member->key, "expectedState") == 0) {
    g_string_assign(upload->expected_state, member->text);
  } else if (is_dry_run) {
    g_string_assign(upload->dry_run, member->text);
  } else {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "unknown field: %.64s", member->key);
    return FALSE;
  }
  return TRUE;
}

static gboolean
read_json_body(Upload *upload, GError **error)
{
  g_autoptr(GError) problem = NULL;
  g_autoptr(JsonTree) tree = json_check_utf8(upload->body->str, upload->body->len, &problem)
                                 ? json_tree_parse(upload->body->str, upload->body->len, &problem)
                                 : NULL;
  if (tree == NULL || tree->type != JSON_TOKEN_OBJECT) {
    error_set(error, CCH_ERROR_REQUEST_MALFORMED_JSON, "%s",
              problem != NULL ? problem->message : "the body must be a JSON object");
    return FALSE;
  }
  for (guint i = 0; i < json_tree_size(tree); i++)
    if (!read_member(upload, json_tree_child(tree, i), error))
      return FALSE;
  return TRUE;
}

/* A form field has one name, or several as a JSON array. */
static gboolean
read_form_names(GPtrArray **names, const char *key, GError **error)
{
  g_autoptr(GPtrArray) fields = g_steal_pointer(names);
  *names = g_ptr_array_new_with_free_func(free_string);
  for (guint i = 0; i < fields->len; i++) {
    const GString *field = g_ptr_array_index(fields, i);
    if (!g_str_has_prefix(field->str, "[")) {
      g_ptr_array_add(*names, g_string_new(field->str));
      continue;
    }
    g_autoptr(JsonTree) given = json_tree_parse(field->str, field->len, NULL);
    if (given == NULL)
      return refuse_names(key, error);
    if (!read_names(*names, key, given, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_form(Upload *upload, GError **error)
{
  return http_multipart_end(upload->multipart, error) && read_form_names(&upload->overwrite, OVERWRITE, error) &&
         read_form_names(&upload->leave_out, LEAVE_OUT, error);
}

/* Trims each name as in the table; NULL-terminated. */
static char **
trimmed_names(const GPtrArray *given)
{
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();
  for (guint i = 0; i < given->len; i++) {
    const GString *text = g_ptr_array_index(given, i);
    g_autofree char *valid = g_utf8_make_valid(text->str, (gssize)text->len);
    g_autofree char *name = price_name_trim(valid);
    g_strv_builder_add(names, name);
  }
  return g_strv_builder_end(names);
}

static gboolean
read_options(const Upload *upload, PriceApplyOptions *options, GError **error)
{
  const char *source = upload->source->str, *dry_run = upload->dry_run->str;
  options->is_manual = strcmp(source, "manual") == 0;
  options->is_dry_run = strcmp(dry_run, "true") == 0;
  options->expected_state = upload->expected_state->len > 0 ? upload->expected_state->str : NULL;
  if (!options->is_manual && *source != '\0' && strcmp(source, "litellm") != 0 && strcmp(source, "cloud") != 0) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "source must be litellm or manual, not \"%.64s\"", source);
    return FALSE;
  }
  if (!options->is_dry_run && *dry_run != '\0' && strcmp(dry_run, "false") != 0) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "dryRun must be true or false, not \"%.64s\"", dry_run);
    return FALSE;
  }
  return TRUE;
}

static HttpResponse *
apply_upload(Upload *upload, const PriceApplyOptions *options, GError **error)
{
  gsize size = upload->content->len;
  char *text = g_string_free(g_steal_pointer(&upload->content), FALSE);
  g_autoptr(PriceTable) table = price_table_take(text, size, PRICE_ORIGIN_FILE, error);
  if (table == NULL)
    return NULL;
  GCancellable *cancellable = http_request_cancellable(upload->request);
  g_autoptr(PgConnection) connection = pg_pool_take(upload->http->pool, "cch-data prices", cancellable, error);
  g_autoptr(PriceReport) report = connection != NULL ? price_apply(connection, table, options, error) : NULL;
  if (report == NULL)
    return NULL;
  return http_response_json_text(200, price_report_to_json(report, http_request_language(upload->request)));
}

static HttpResponse *
upload_end(gpointer data, GError **error)
{
  Upload *upload = data;
  if (!(upload->multipart != NULL ? read_form(upload, error) : read_json_body(upload, error)))
    return NULL;
  if (upload->content->len == 0) {
    error_set(error, CCH_ERROR_REQUEST_PARAMETER, "%s",
              upload->has_content ? "the price table is empty" : "there is no price table: content, or a file");
    return NULL;
  }
  PriceApplyOptions options = {.operator_name = http_request_who(upload->request),
                               .operator_ip = http_request_client_ip(upload->request),
                               .file_name = upload->file_name,
                               .lock_wait_s = (guint)upload->http->config->lock_wait_s};
  g_auto(GStrv) overwrite = trimmed_names(upload->overwrite);
  g_auto(GStrv) leave_out = trimmed_names(upload->leave_out);
  options.overwrite = (const char *const *)overwrite;
  options.leave_out = (const char *const *)leave_out;
  return read_options(upload, &options, error) ? apply_upload(upload, &options, error) : NULL;
}

static const HttpUpload upload_functions = {upload_begin, upload_write, upload_end, upload_free};

const HttpRoute price_http_upload_routes[] = {
    {.method = "POST",
     .path = "/api/v1/model-prices:upload",
     .flags = HTTP_ROUTE_ADMIN | HTTP_ROUTE_PROBLEM | HTTP_ROUTE_CHANGES,
     .upload = &upload_functions},
    HTTP_ROUTES_END,
};
