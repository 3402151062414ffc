#include "auth/origin.h"

#include <string.h>

/* "[::1]:80" → "[::1]" and "80"; without a port, the scheme's. */
static void
split_host(const char *text, const char *default_port, char **ret_host, char **ret_port)
{
  const char *bracket = strrchr(text, ']');
  const char *colon = strrchr(bracket != NULL ? bracket : text, ':');
  *ret_host = g_ascii_strdown(text, colon != NULL ? (gssize)(colon - text) : -1);
  *ret_port = g_strdup(colon != NULL && colon[1] != '\0' ? colon + 1 : default_port);
}

static gboolean
origin_names_host(const char *origin, const char *host)
{
  const char *default_port = "80";
  if (g_ascii_strncasecmp(origin, "https://", 8) == 0) {
    default_port = "443";
    origin += 8;
  } else if (g_ascii_strncasecmp(origin, "http://", 7) == 0) {
    origin += 7;
  } else {
    return FALSE;
  }
  g_autofree char *origin_host = NULL, *origin_port = NULL, *own_host = NULL, *own_port = NULL;
  split_host(origin, default_port, &origin_host, &origin_port);
  split_host(host, default_port, &own_host, &own_port);
  return *origin_host != '\0' && strcmp(origin_host, own_host) == 0 && strcmp(origin_port, own_port) == 0;
}

gboolean
origin_is_own(const char *origin, const char *sec_fetch_site, const char *host)
{
  if (origin != NULL)
    return host != NULL && origin_names_host(origin, host);
  if (sec_fetch_site != NULL)
    return strcmp(sec_fetch_site, "same-origin") == 0 || strcmp(sec_fetch_site, "none") == 0;
  return TRUE;
}
