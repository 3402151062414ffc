#include "web/http/routes.h"

#include "base/error.h"
#include "web/assets.h"

#include <sodium.h>
#include <string.h>

#define DOCUMENT    "/index.html"
#define NONCE_BYTES 16
#define NONCE_PLACE "__CSP_NONCE__" /* placed there by the bundler: web/vite.config.ts */
#define BASE_PLACE  "__BASE__"      /* web/index.html */

/* Allows only what came with the document. Styles that components create at run time have the nonce. */
#define POLICY                                                                                                         \
  "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-%s'; img-src 'self' data:; font-src 'self'; "        \
  "connect-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"

static const WebAsset *
find_asset(const char *path)
{
  for (guint i = 0; i < web_n_assets; i++) {
    if (strcmp(web_assets[i].path, path) == 0)
      return &web_assets[i];
  }
  return NULL;
}

static HttpResponse *
refuse_absent(GError **error)
{
  error_set(error, CCH_ERROR_NOT_FOUND, web_n_assets > 0 ? "no such file" : "this build has no pages");
  return NULL;
}

/* "gzip" as a token that q=0 does not refuse. */
static gboolean
takes_gzip(const HttpRequest *request)
{
  const char *accepted = http_request_header(request, "Accept-Encoding");
  g_auto(GStrv) codings = g_strsplit(accepted != NULL ? accepted : "", ",", -1);
  for (char **coding = codings; *coding != NULL; coding++) {
    g_auto(GStrv) parts = g_strsplit(*coding, ";", 2);
    if (parts[0] == NULL || g_ascii_strcasecmp(g_strstrip(parts[0]), "gzip") != 0)
      continue;
    const char *quality = parts[1] != NULL ? strchr(parts[1], '=') : NULL;
    return quality == NULL || g_ascii_strtod(quality + 1, NULL) > 0;
  }
  return FALSE;
}

static gboolean
is_fresh(const HttpRequest *request, const WebAsset *asset)
{
  const char *known = http_request_header(request, "If-None-Match");
  return known != NULL && (strcmp(known, "*") == 0 || strstr(known, asset->etag) != NULL);
}

/* A file's name under /assets/ changes with its content. */
static HttpResponse *
answer_asset(HttpRequest *request, gpointer context, GError **error)
{
  (void)context;
  const WebAsset *asset = find_asset(http_request_path(request));
  if (asset == NULL)
    return refuse_absent(error);
  HttpResponse *response;
  if (is_fresh(request, asset)) {
    response = http_response_empty(304);
  } else if (asset->gzip != NULL && takes_gzip(request)) {
    response = http_response_static(200, asset->content_type, asset->gzip, asset->gzip_size);
    http_response_set_header(response, "Content-Encoding", "gzip");
  } else {
    response = http_response_static(200, asset->content_type, asset->data, asset->size);
  }
  gboolean is_named_by_content = g_str_has_prefix(asset->path, "/assets/");
  http_response_set_header(response, "Cache-Control",
                           is_named_by_content ? "public, max-age=31536000, immutable" : "no-cache");
  http_response_set_header(response, "ETag", asset->etag);
  http_response_set_header(response, "Vary", "Accept-Encoding");
  return response;
}

/* The relative path from a page to the service, independent of a proxy's prefix: "../" for "/settings/data". */
static char *
relative_base(const char *path)
{
  GString *base = g_string_new("./");
  for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
    g_string_append(base, "../");
  return g_string_free(base, FALSE);
}

static char *
replace_all(const char *text, const char *place, const char *with)
{
  g_auto(GStrv) parts = g_strsplit(text, place, -1);
  return g_strjoinv(with, parts);
}

static HttpResponse *
answer_document(HttpRequest *request, guint status, GError **error)
{
  const WebAsset *document = find_asset(DOCUMENT);
  if (document == NULL)
    return refuse_absent(error);
  guint8 bytes[NONCE_BYTES];
  char nonce[sodium_base64_ENCODED_LEN(NONCE_BYTES, sodium_base64_VARIANT_ORIGINAL)];
  randombytes_buf(bytes, sizeof bytes);
  sodium_bin2base64(nonce, sizeof nonce, bytes, sizeof bytes, sodium_base64_VARIANT_ORIGINAL);
  g_autofree char *template = g_strndup(document->data, document->size);
  g_autofree char *base = relative_base(http_request_path(request));
  g_autofree char *placed = replace_all(template, BASE_PLACE, base);
  HttpResponse *response = http_response_text(status, document->content_type, replace_all(placed, NONCE_PLACE, nonce));
  g_autofree char *policy = g_strdup_printf(POLICY, nonce);
  http_response_set_header(response, "Content-Security-Policy", policy);
  return response;
}

static HttpResponse *
answer_page(HttpRequest *request, gpointer context, GError **error)
{
  (void)context;
  return answer_document(request, 200, error);
}

/* The application reports this in the reader's language. */
static HttpResponse *
answer_unknown_page(HttpRequest *request, gpointer context, GError **error)
{
  (void)context;
  return answer_document(request, 404, error);
}

/* The addresses of web/src/pages.tsx. Their queries are the application's filters, and are ignored here. */
static const char *const any_query[] = {HTTP_QUERY_ANY, NULL};

#define PAGE(address)                                                                                                  \
  {                                                                                                                    \
    .method = "GET", .path = address, .handler = answer_page, .query = any_query                                       \
  }

static const HttpRoute routes[] = {
    PAGE("/"),
    PAGE("/login"),
    PAGE("/settings/{page}"),
    PAGE("/dashboard/{page}"),
    PAGE("/history"),
    {.method = "GET", .path = "/assets/{file}", .handler = answer_asset},
    {.method = "GET", .path = "/favicon.svg", .handler = answer_asset},
    {.method = "GET", .path = "/THIRD-PARTY-NOTICES.txt", .handler = answer_asset},
    {.method = "GET", .path = "/{page}", .handler = answer_unknown_page, .query = any_query},
    HTTP_ROUTES_END,
};

const HttpRoute *const web_http_routes[] = {routes, NULL};
