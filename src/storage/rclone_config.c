#include "storage/rclone_config.h"

#include "base/error.h"

#include <sodium.h>
#include <string.h>

#define PREFIX "RCLONE_CONFIG_CCH_"

static void
secret_free(gpointer data)
{
  char *text = data;
  sodium_memzero(text, strlen(text));
  g_free(text);
}

RcloneConfig *
rclone_config_new(const char *type)
{
  RcloneConfig *config = g_new(RcloneConfig, 1);
  *config = (RcloneConfig){.environment = g_ptr_array_new_with_free_func(secret_free),
                           .to_obscure = g_ptr_array_new_with_free_func(secret_free),
                           .secrets = g_ptr_array_new_with_free_func(secret_free),
                           .is_own = type != NULL};
  if (type != NULL)
    rclone_config_set(config, "TYPE", type);
  return config;
}

void
rclone_config_free(RcloneConfig *config)
{
  if (config == NULL)
    return;
  g_free(config->root);
  g_free(config->description);
  g_free(config->known_hosts);
  g_ptr_array_unref(config->environment);
  g_ptr_array_unref(config->to_obscure);
  g_ptr_array_unref(config->secrets);
  g_free(config);
}

void
rclone_config_set(RcloneConfig *config, const char *name, const char *value)
{
  if (value != NULL)
    g_ptr_array_add(config->environment, g_strconcat(PREFIX, name, "=", value, NULL));
}

void
rclone_config_set_secret(RcloneConfig *config, const char *name, const char *value, gboolean obscured)
{
  if (value == NULL)
    return;
  g_ptr_array_add(config->secrets, g_strdup(value));
  g_ptr_array_add(obscured ? config->to_obscure : config->environment, g_strconcat(PREFIX, name, "=", value, NULL));
}

void
rclone_config_set_ca(RcloneConfig *config, const char *path)
{
  if (path != NULL)
    g_ptr_array_add(config->environment, g_strconcat("RCLONE_CA_CERT=", path, NULL));
}

gboolean
rclone_config_check_url(const char *name, const char *text, GError **error)
{
  g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
  gboolean is_http =
      uri != NULL && (strcmp(g_uri_get_scheme(uri), "http") == 0 || strcmp(g_uri_get_scheme(uri), "https") == 0);
  if (!is_http || g_uri_get_host(uri) == NULL || *g_uri_get_host(uri) == '\0')
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "%s: a URL http://… or https://… is expected", name);
  else if (g_uri_get_userinfo(uri) != NULL || g_uri_get_query(uri) != NULL || g_uri_get_fragment(uri) != NULL)
    error_set(error, CCH_ERROR_STORAGE_SETTINGS, "%s: a URL without user, query and fragment is expected", name);
  else
    return TRUE;
  return FALSE;
}

char *
rclone_config_path(const char *path, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(path != NULL ? path : "", "/", -1);
  g_autoptr(GPtrArray) kept = g_ptr_array_new();
  for (char **part = parts; *part != NULL; part++) {
    if (strcmp(*part, "..") == 0) {
      error_set(error, CCH_ERROR_STORAGE_SETTINGS, "a path may not have \"..\"");
      return NULL;
    }
    if (**part != '\0' && strcmp(*part, ".") != 0)
      g_ptr_array_add(kept, *part);
  }
  g_ptr_array_add(kept, NULL);
  return g_strjoinv("/", (char **)kept->pdata);
}
