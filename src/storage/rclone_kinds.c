/* What each kind's settings mean to rclone. The options' names are those of rclone 1.60; newer versions know them all,
 * and older ones ignore what they do not know. */
#include "base/error.h"
#include "storage/rclone_config.h"

#include <string.h>

#define END                                                                                                            \
  {                                                                                                                    \
    NULL, SETTING_TEXT, FALSE                                                                                          \
  }

static gboolean
text_has_form(const char *text, const char *pattern)
{
  return g_regex_match_simple(pattern, text, G_REGEX_DOLLAR_ENDONLY, 0);
}

static gboolean
setting_check(const json_t *settings, const char *name, const char *pattern, GError **error)
{
  const char *text = storage_setting_text(settings, name);
  if (text == NULL || text_has_form(text, pattern))
    return TRUE;
  error_set(error, CCH_ERROR_STORAGE_SETTINGS, "%s: this is not valid", name);
  return FALSE;
}

/* "cch:path/", or "cch:" without a path. */
static char *
root_of(const char *path)
{
  return *path != '\0' ? g_strconcat("cch:", path, "/", NULL) : g_strdup("cch:");
}

const StorageSetting rclone_s3_settings[] = {
    {"endpoint", SETTING_TEXT, FALSE},     {"region", SETTING_TEXT, FALSE},
    {"bucket", SETTING_TEXT, TRUE},        {"prefix", SETTING_TEXT, FALSE},
    {"pathStyle", SETTING_FLAG, FALSE},    {"provider", SETTING_TEXT, FALSE},
    {"storageClass", SETTING_TEXT, FALSE}, {"accessKeyId", SETTING_TEXT, FALSE},
    {"caFile", SETTING_TEXT, FALSE},       END};
const char *const rclone_s3_secrets[] = {"accessKeyId", "secretAccessKey", "sessionToken", NULL};

/* rclone's name of a provider, which decides about its peculiarities. */
static const struct {
  const char *host_end;
  const char *provider;
} s3_providers[] = {
    {"amazonaws.com", "AWS"},       {"amazonaws.com.cn", "AWS"},
    {"aliyuncs.com", "Alibaba"},    {"digitaloceanspaces.com", "DigitalOcean"},
    {"myqcloud.com", "TencentCOS"}, {"r2.cloudflarestorage.com", "Cloudflare"},
    {"wasabisys.com", "Wasabi"},
};

static char *
s3_endpoint_url(const json_t *settings)
{
  const char *endpoint = storage_setting_text(settings, "endpoint");
  if (endpoint == NULL || strstr(endpoint, "://") != NULL)
    return g_strdup(endpoint);
  return g_strconcat("https://", endpoint, NULL);
}

/* With the addressing chosen, only "Other" obeys it. */
static const char *
s3_provider(const json_t *settings, const char *host)
{
  const char *given = storage_setting_text(settings, "provider");
  if (given != NULL)
    return given;
  if (storage_setting_flag(settings, "pathStyle") >= 0)
    return "Other";
  if (host == NULL)
    return "AWS";
  for (guint i = 0; i < G_N_ELEMENTS(s3_providers); i++) {
    gsize length = strlen(host), end = strlen(s3_providers[i].host_end);
    if (length > end && host[length - end - 1] == '.' && strcmp(host + length - end, s3_providers[i].host_end) == 0)
      return s3_providers[i].provider;
  }
  return "Other";
}

/* The one that the host names (s3.us-west-004.backblazeb2.com), because the signature must have the right one. */
static char *
s3_region(const json_t *settings, const char *host)
{
  const char *given = storage_setting_text(settings, "region");
  if (given != NULL || host == NULL)
    return g_strdup(given);
  if (g_str_has_suffix(host, ".r2.cloudflarestorage.com"))
    return g_strdup("auto");
  g_auto(GStrv) labels = g_strsplit(host, ".", -1);
  gboolean names_region = g_strv_length(labels) == 4 && strcmp(labels[0], "s3") == 0 && !g_hostname_is_ip_address(host);
  return names_region ? g_strdup(labels[1]) : NULL;
}

RcloneConfig *
rclone_s3_config(const json_t *settings, const json_t *secrets, GError **error)
{
  g_autofree char *endpoint = s3_endpoint_url(settings);
  if (!setting_check(settings, "bucket", "^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$", error) ||
      !setting_check(settings, "region", "^[A-Za-z0-9_-]{1,64}$", error) ||
      !setting_check(settings, "provider", "^[A-Za-z0-9]{1,32}$", error) ||
      !setting_check(settings, "storageClass", "^[A-Za-z0-9_]{1,64}$", error) ||
      (endpoint != NULL && !rclone_config_check_url("endpoint", endpoint, error)))
    return NULL;
  const char *in_secrets = storage_setting_text(secrets, "accessKeyId");
  const char *key_id = in_secrets != NULL ? in_secrets : storage_setting_text(settings, "accessKeyId");
  if (key_id == NULL || storage_setting_text(secrets, "secretAccessKey") == NULL) {
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "accessKeyId and secretAccessKey are missing");
    return NULL;
  }
  g_autofree char *prefix = rclone_config_path(storage_setting_text(settings, "prefix"), error);
  if (prefix == NULL)
    return NULL;
  g_autoptr(GUri) uri = endpoint != NULL ? g_uri_parse(endpoint, G_URI_FLAGS_NONE, NULL) : NULL;
  const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;
  g_autofree char *region = s3_region(settings, host);
  const char *bucket = storage_setting_text(settings, "bucket");
  int path_style = storage_setting_flag(settings, "pathStyle");

  RcloneConfig *config = rclone_config_new("s3");
  rclone_config_set(config, "PROVIDER", s3_provider(settings, host));
  rclone_config_set(config, "ENDPOINT", endpoint);
  rclone_config_set(config, "REGION", region);
  rclone_config_set(config, "FORCE_PATH_STYLE", path_style < 0 ? NULL : path_style ? "true" : "false");
  rclone_config_set(config, "STORAGE_CLASS", storage_setting_text(settings, "storageClass"));
  rclone_config_set(config, "ENV_AUTH", "false");
  rclone_config_set(config, "NO_CHECK_BUCKET", "true"); /* keys often may not make or look at buckets */
  rclone_config_set(config, "CHUNK_SIZE", "16Mi");
  rclone_config_set(config, "UPLOAD_CONCURRENCY", "2"); /* each part is held in memory */
  rclone_config_set_secret(config, "ACCESS_KEY_ID", key_id, FALSE);
  rclone_config_set_secret(config, "SECRET_ACCESS_KEY", storage_setting_text(secrets, "secretAccessKey"), FALSE);
  rclone_config_set_secret(config, "SESSION_TOKEN", storage_setting_text(secrets, "sessionToken"), FALSE);
  rclone_config_set_ca(config, storage_setting_text(settings, "caFile"));
  const char *slash = *prefix != '\0' ? "/" : "";
  config->root = g_strconcat("cch:", bucket, "/", prefix, slash, NULL);
  config->description = endpoint != NULL ? g_strconcat("s3://", bucket, slash, prefix, "?endpoint=", endpoint, NULL)
                                         : g_strconcat("s3://", bucket, slash, prefix, NULL);
  config->is_atomic = TRUE;
  config->has_prefix = *prefix != '\0';
  return config;
}

const StorageSetting rclone_webdav_settings[] = {{"url", SETTING_TEXT, TRUE},     {"user", SETTING_TEXT, FALSE},
                                                 {"path", SETTING_TEXT, FALSE},   {"vendor", SETTING_TEXT, FALSE},
                                                 {"caFile", SETTING_TEXT, FALSE}, END};
const char *const rclone_webdav_secrets[] = {"password", "bearerToken", NULL};

/* Nextcloud's and ownCloud's addresses, whose servers tell checksums: "https://host/remote.php/dav/files/USER". */
static const char *
webdav_vendor(const json_t *settings, const char *url)
{
  const char *given = storage_setting_text(settings, "vendor");
  if (given != NULL)
    return given;
  return strstr(url, "/remote.php/") != NULL ? "nextcloud" : "other";
}

RcloneConfig *
rclone_webdav_config(const json_t *settings, const json_t *secrets, GError **error)
{
  const char *url = storage_setting_text(settings, "url");
  if (!rclone_config_check_url("url", url, error) ||
      !setting_check(settings, "vendor", "^(nextcloud|owncloud|sharepoint|other)$", error))
    return NULL;
  g_autofree char *path = rclone_config_path(storage_setting_text(settings, "path"), error);
  if (path == NULL)
    return NULL;
  const char *user = storage_setting_text(settings, "user");
  const char *vendor = webdav_vendor(settings, url);
  RcloneConfig *config = rclone_config_new("webdav");
  rclone_config_set(config, "URL", url);
  rclone_config_set(config, "VENDOR", vendor);
  rclone_config_set(config, "USER", user);
  /* Uploads in chunks, of newer versions, know only this form of the address. */
  if (strcmp(vendor, "nextcloud") == 0 && strstr(url, "/dav/files/") == NULL)
    rclone_config_set(config, "NEXTCLOUD_CHUNK_SIZE", "0");
  rclone_config_set_secret(config, "PASS", storage_setting_text(secrets, "password"), TRUE);
  rclone_config_set_secret(config, "BEARER_TOKEN", storage_setting_text(secrets, "bearerToken"), FALSE);
  rclone_config_set_ca(config, storage_setting_text(settings, "caFile"));
  config->root = root_of(path);
  g_autofree char *base = g_strdup(url);
  while (g_str_has_suffix(base, "/"))
    base[strlen(base) - 1] = '\0';
  const char *after_scheme = strstr(base, "://") + strlen("://");
  config->description =
      g_strconcat(g_str_has_prefix(base, "https") ? "webdavs://" : "webdav://", user != NULL ? user : "",
                  user != NULL ? "@" : "", after_scheme, *path != '\0' ? "/" : "", path, NULL);
  return config;
}

const StorageSetting rclone_sftp_settings[] = {{"host", SETTING_TEXT, TRUE},
                                               {"port", SETTING_PORT, FALSE},
                                               {"user", SETTING_TEXT, TRUE},
                                               {"path", SETTING_TEXT, FALSE},
                                               {"hostKey", SETTING_LINES, FALSE},
                                               {"knownHostsFile", SETTING_TEXT, FALSE},
                                               {"privateKeyFile", SETTING_TEXT, FALSE},
                                               END};
const char *const rclone_sftp_secrets[] = {"password", "privateKey", "privateKeyPassphrase", NULL};

/* Lines of known_hosts for this host and port, from lines of ssh-keyscan, known_hosts, or a public key alone. The host
 * that stands in a line is not looked at: these are the keys of this destination. NULL with STORAGE_SETTINGS. */
static char *
sftp_known_hosts(const char *text, const char *host, guint port, GString *algorithms, GError **error)
{
  g_autoptr(GString) lines = g_string_new(NULL);
  g_auto(GStrv) given = g_strsplit_set(text, "\r\n", -1);
  for (char **line = given; *line != NULL; line++) {
    g_autoptr(GMatchInfo) match = NULL;
    static const char pattern[] = "^\\s*(?:\\S+\\s+)?(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521))\\s+([A-Za-"
                                  "z0-9+/]{40,}={0,2})(?:\\s.*)?$";
    g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, NULL);
    if (g_strstrip(*line)[0] == '\0' || (*line)[0] == '#')
      continue;
    if ((*line)[0] == '@' || !g_regex_match(regex, *line, 0, &match)) {
      error_set(error, CCH_ERROR_STORAGE_SETTINGS,
                "hostKey: lines of ssh-keyscan are expected (host ssh-ed25519 AAAA…)");
      return NULL;
    }
    g_autofree char *type = g_match_info_fetch(match, 1), *key = g_match_info_fetch(match, 2);
    g_string_append_printf(lines, port == 22 ? "%s " : "[%s]:%u ", host, port);
    g_string_append_printf(lines, "%s %s\n", type, key);
    if (algorithms->len > 0)
      g_string_append_c(algorithms, ' ');
    g_string_append(algorithms, strcmp(type, "ssh-rsa") == 0 ? "rsa-sha2-512 rsa-sha2-256" : type);
  }
  if (lines->len == 0) {
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "hostKey: it has no key");
    return NULL;
  }
  return g_string_free(g_steal_pointer(&lines), FALSE);
}

/* rclone wants a key's lines joined by "\n", as two characters. */
static char *
sftp_pem(const char *key)
{
  if (key == NULL)
    return NULL;
  g_auto(GStrv) lines = g_strsplit(key, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    g_strchomp(*line);
  return g_strjoinv("\\n", lines);
}

static gboolean
sftp_check(const json_t *settings, const json_t *secrets, GError **error)
{
  const char *key = storage_setting_text(secrets, "privateKey");
  if (!setting_check(settings, "host", "^[A-Za-z0-9._:-]{1,253}$", error) ||
      !setting_check(settings, "user", "^[^\\s@:/]{1,64}$", error))
    return FALSE;
  if (storage_setting_text(settings, "hostKey") == NULL && storage_setting_text(settings, "knownHostsFile") == NULL)
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "hostKey is missing: the lines that ssh-keyscan prints for this host");
  else if (key == NULL && storage_setting_text(secrets, "password") == NULL &&
           storage_setting_text(settings, "privateKeyFile") == NULL)
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "a password or a private key is missing");
  else if (key != NULL &&
           (!g_str_has_prefix(key, "-----BEGIN ") || strchr(key, '"') != NULL || strchr(key, '\\') != NULL))
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "privateKey: this is not a private key (-----BEGIN …)");
  else
    return TRUE;
  return FALSE;
}

RcloneConfig *
rclone_sftp_config(const json_t *settings, const json_t *secrets, GError **error)
{
  if (!sftp_check(settings, secrets, error))
    return NULL;
  const char *host = storage_setting_text(settings, "host"), *user = storage_setting_text(settings, "user");
  const char *host_key = storage_setting_text(settings, "hostKey"), *path = storage_setting_text(settings, "path");
  guint port = storage_setting_port(settings, "port", 22);
  g_autoptr(GString) algorithms = g_string_new(NULL);
  g_autofree char *known_hosts = NULL;
  if (host_key != NULL && (known_hosts = sftp_known_hosts(host_key, host, port, algorithms, error)) == NULL)
    return NULL;
  g_autofree char *below = rclone_config_path(path, error);
  if (below == NULL)
    return NULL;
  g_autofree char *port_text = g_strdup_printf("%u", port);
  g_autofree char *pem = sftp_pem(storage_setting_text(secrets, "privateKey"));
  RcloneConfig *config = rclone_config_new("sftp");
  rclone_config_set(config, "HOST", host);
  rclone_config_set(config, "PORT", port_text);
  rclone_config_set(config, "USER", user);
  rclone_config_set(config, "KNOWN_HOSTS_FILE",
                    known_hosts != NULL ? RCLONE_EXTRA_PATH : storage_setting_text(settings, "knownHostsFile"));
  rclone_config_set(config, "HOST_KEY_ALGORITHMS", known_hosts != NULL ? algorithms->str : NULL);
  rclone_config_set(config, "KEY_FILE", storage_setting_text(settings, "privateKeyFile"));
  rclone_config_set_secret(config, "PASS", storage_setting_text(secrets, "password"), TRUE);
  rclone_config_set_secret(config, "KEY_PEM", pem, FALSE);
  rclone_config_set_secret(config, "KEY_FILE_PASS", storage_setting_text(secrets, "privateKeyPassphrase"), TRUE);
  config->known_hosts = g_steal_pointer(&known_hosts);
  g_autofree char *whole = g_strconcat(path != NULL && *path == '/' ? "/" : "", below, NULL);
  config->root = *below == '\0' ? g_strconcat("cch:", whole, NULL) : root_of(whole);
  g_autofree char *port_part = port != 22 ? g_strconcat(":", port_text, NULL) : g_strdup("");
  const char *from_home = *whole == '/' ? "" : "/~/";
  config->description = g_strconcat("sftp://", user, "@", host, port_part, from_home, whole, NULL);
  return config;
}

const StorageSetting rclone_remote_settings[] = {{"remote", SETTING_TEXT, TRUE}, {"config", SETTING_TEXT, FALSE}, END};
const char *const rclone_remote_secrets[] = {"configPassword", NULL};

RcloneConfig *
rclone_remote_config(const json_t *settings, const json_t *secrets, GError **error)
{
  const char *remote = storage_setting_text(settings, "remote"), *file = storage_setting_text(settings, "config");
  /* A name of the configuration; rclone would also take a whole configuration, with secrets, in its place. */
  if (!setting_check(settings, "remote", "^[\\w.+@][\\w .+@-]{0,99}:[^\\0]*$", error))
    return NULL;
  if (file != NULL && !g_path_is_absolute(file)) {
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "config: an absolute path is expected");
    return NULL;
  }
  const char *path = strchr(remote, ':') + 1;
  g_autofree char *below = rclone_config_path(path, error);
  if (below == NULL)
    return NULL;
  RcloneConfig *config = rclone_config_new(NULL);
  if (file != NULL)
    g_ptr_array_add(config->environment, g_strconcat("RCLONE_CONFIG=", file, NULL));
  const char *password = storage_setting_text(secrets, "configPassword");
  if (password != NULL) {
    g_ptr_array_add(config->secrets, g_strdup(password));
    g_ptr_array_add(config->environment, g_strconcat("RCLONE_CONFIG_PASS=", password, NULL));
  }
  g_autofree char *name = g_strndup(remote, (gsize)(path - remote));
  config->root = g_strconcat(name, *path == '/' ? "/" : "", below, *below != '\0' ? "/" : "", NULL);
  config->description = g_strconcat("rclone:", remote, NULL);
  config->is_atomic = -1;
  return config;
}
