/* Destinations as a command line names them. */
#include "base/error.h"
#include "storage/storage.h"

#include <string.h>

#define MAX_URL_BYTES 4096

static void
set_text(json_t *object, const char *name, const char *text)
{
  if (text != NULL && *text != '\0')
    json_object_set_new(object, name, json_string(text));
}

static void
set_variable(json_t *object, const char *name, const char *variable)
{
  set_text(object, name, g_getenv(variable));
}

/* The path without its first slash. */
static const char *
path_below(GUri *uri)
{
  const char *path = g_uri_get_path(uri);
  return *path == '/' ? path + 1 : path;
}

/* Takes known parameters out of the query into the settings. */
static gboolean
take_query(GUri *uri, const char *const (*names)[2], json_t *settings, GError **error)
{
  const char *query = g_uri_get_query(uri);
  g_autoptr(GHashTable) parameters =
      query != NULL ? g_uri_parse_params(query, -1, "&", G_URI_PARAMS_NONE, error) : g_hash_table_new(NULL, NULL);
  if (parameters == NULL)
    return FALSE;
  for (; names != NULL && (*names)[0] != NULL && g_hash_table_size(parameters) > 0; names++) {
    const char *value = g_hash_table_lookup(parameters, (*names)[0]);
    if (value == NULL)
      continue;
    if (strcmp((*names)[1], "pathStyle") == 0)
      json_object_set_new(settings, "pathStyle", json_boolean(strcmp(value, "true") == 0 || strcmp(value, "1") == 0));
    else
      set_text(settings, (*names)[1], value);
    g_hash_table_remove(parameters, (*names)[0]);
  }
  if (g_hash_table_size(parameters) == 0)
    return TRUE;
  error_set(error, CCH_ERROR_STORAGE_SETTINGS, "the URL has an unknown parameter");
  return FALSE;
}

static gboolean
s3_from(GUri *uri, json_t *settings, json_t *secrets, GError **error)
{
  static const char *const names[][2] = {{"endpoint", "endpoint"},
                                         {"region", "region"},
                                         {"path_style", "pathStyle"},
                                         {"provider", "provider"},
                                         {"storage_class", "storageClass"},
                                         {"ca_file", "caFile"},
                                         {NULL, NULL}};
  set_variable(settings, "endpoint", "AWS_ENDPOINT_URL");
  set_variable(settings, "region", "AWS_REGION");
  set_text(settings, "bucket", g_uri_get_host(uri));
  set_text(settings, "prefix", path_below(uri));
  set_variable(secrets, "accessKeyId", "AWS_ACCESS_KEY_ID");
  set_variable(secrets, "secretAccessKey", "AWS_SECRET_ACCESS_KEY");
  set_variable(secrets, "sessionToken", "AWS_SESSION_TOKEN");
  if (json_object_size(secrets) < 2) {
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for %s",
              g_uri_get_scheme(uri));
    return FALSE;
  }
  return take_query(uri, names, settings, error);
}

/* Everything after the host is a path that can be made, but for the part that is Nextcloud's address. */
static gboolean
webdav_from(GUri *uri, json_t *settings, json_t *secrets, GError **error)
{
  static const char *const names[][2] = {{"vendor", "vendor"}, {"ca_file", "caFile"}, {NULL, NULL}};
  const char *path = g_uri_get_path(uri);
  g_autoptr(GRegex) regex = g_regex_new("^(.*?/remote\\.php/(?:dav/files/[^/]+|webdav|dav))(?:/(.*))?$", 0, 0, NULL);
  g_autoptr(GMatchInfo) match = NULL;
  gboolean is_nextcloud = g_regex_match(regex, path, 0, &match);
  g_autofree char *base = is_nextcloud ? g_match_info_fetch(match, 1) : g_strdup("");
  g_autofree char *below = is_nextcloud ? g_match_info_fetch(match, 2) : g_strdup(path_below(uri));
  g_autofree char *url = g_uri_join(G_URI_FLAGS_NONE, strcmp(g_uri_get_scheme(uri), "webdavs") == 0 ? "https" : "http",
                                    NULL, g_uri_get_host(uri), g_uri_get_port(uri), base, NULL, NULL);
  set_text(settings, "url", url);
  set_text(settings, "path", below);
  set_text(settings, "user", g_uri_get_user(uri));
  set_variable(secrets, "password", "WEBDAV_PASSWORD");
  return take_query(uri, names, settings, error);
}

static gboolean
sftp_from(GUri *uri, json_t *settings, json_t *secrets, GError **error)
{
  static const char *const names[][2] = {{"key", "privateKeyFile"}, {"known_hosts", "knownHostsFile"}, {NULL, NULL}};
  g_autofree char *known_hosts = g_build_filename(g_get_home_dir(), ".ssh", "known_hosts", NULL);
  const char *path = g_uri_get_path(uri), *user = g_uri_get_user(uri);
  set_text(settings, "host", g_uri_get_host(uri));
  if (g_uri_get_port(uri) > 0)
    json_object_set_new(settings, "port", json_integer(g_uri_get_port(uri)));
  set_text(settings, "user", user != NULL ? user : g_get_user_name());
  set_text(settings, "path", g_str_has_prefix(path, "/~/") ? path + strlen("/~/") : path);
  set_text(settings, "knownHostsFile", known_hosts);
  set_variable(secrets, "password", "SFTP_PASSWORD");
  return take_query(uri, names, settings, error);
}

static gboolean
file_from(GUri *uri, json_t *settings, json_t *secrets, GError **error)
{
  const char *host = g_uri_get_host(uri);
  if (host != NULL && *host != '\0' && strcmp(host, "localhost") != 0) {
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "file:// names a directory of this machine: file:///path");
    return FALSE;
  }
  set_text(settings, "path", g_uri_get_path(uri));
  return take_query(uri, NULL, settings, error);
}

static const struct {
  const char *scheme, *kind;
  gboolean (*read)(GUri *uri, json_t *settings, json_t *secrets, GError **error);
} schemes[] = {
    {"file", "directory", file_from},   {"s3", "s3", s3_from},       {"webdav", "webdav", webdav_from},
    {"webdavs", "webdav", webdav_from}, {"sftp", "sftp", sftp_from},
};

/* A path, or a remote of rclone's: not URLs. */
static const char *
plain_from(const char *text, json_t *settings)
{
  if (g_str_has_prefix(text, "rclone:")) {
    set_text(settings, "remote", text + strlen("rclone:"));
    return "rclone";
  }
  if (strstr(text, "://") != NULL)
    return NULL;
  g_autofree char *path = g_canonicalize_filename(text, NULL);
  set_text(settings, "path", path);
  return "directory";
}

static const char *
url_read(const char *text, json_t *settings, json_t *secrets, GError **error)
{
  if (strlen(text) > MAX_URL_BYTES || *text == '\0' || !g_utf8_validate(text, -1, NULL)) {
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "a destination is a path or a URL of at most %d bytes", MAX_URL_BYTES);
    return NULL;
  }
  const char *kind = plain_from(text, settings);
  if (kind != NULL)
    return kind;
  g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_HAS_PASSWORD, NULL);
  for (guint i = 0; uri != NULL && i < G_N_ELEMENTS(schemes); i++) {
    if (strcmp(g_uri_get_scheme(uri), schemes[i].scheme) != 0)
      continue;
    if (g_uri_get_password(uri) != NULL) {
      error_set(error, CCH_ERROR_STORAGE_SETTINGS,
                "a password in a URL can be seen by everybody on this machine; set WEBDAV_PASSWORD or SFTP_PASSWORD");
      return NULL;
    }
    return schemes[i].read(uri, settings, secrets, error) ? schemes[i].kind : NULL;
  }
  error_set(error, CCH_ERROR_STORAGE_SETTINGS,
            "a destination is a path, file:///…, s3://…, webdav://…, webdavs://…, sftp://… or rclone:remote:path");
  return NULL;
}

gboolean
storage_settings_from_url(const char *url, const char **ret_kind, json_t **ret_settings, json_t **ret_secrets,
                          GError **error)
{
  g_autoptr(json_t) settings = json_object(), secrets = json_object();
  g_autoptr(GError) failure = NULL;
  const char *kind = url_read(url, settings, secrets, &failure);
  if (kind == NULL) {
    if (failure->domain != CCH_ERROR)
      error_set(error, CCH_ERROR_STORAGE_SETTINGS, "%s", failure->message);
    else
      g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  *ret_kind = kind;
  *ret_settings = g_steal_pointer(&settings);
  *ret_secrets = g_steal_pointer(&secrets);
  return TRUE;
}
