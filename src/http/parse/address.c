#include "http/parse/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

char *
http_address_text(const struct sockaddr *address)
{
  char text[INET6_ADDRSTRLEN];
  if (address != NULL && address->sa_family == AF_INET) {
    const struct sockaddr_in *in = (const void *)address;
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    return g_strdup(text);
  }
  if (address != NULL && address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const void *)address;
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
      inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], text, sizeof text);
    else
      inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    return g_strdup(text);
  }
  return g_strdup("local");
}

char *
http_address_share(const char *address)
{
  struct in6_addr in6;
  if (inet_pton(AF_INET6, address, &in6) != 1)
    return g_strdup(address);
  memset(&in6.s6_addr[8], 0, 8);
  char text[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &in6, text, sizeof text);
  return g_strdup(text);
}

/* The last element of the last line of a list; NULL if the field is absent. A quoted comma does not separate. */
static char *
last_element(const HttpHead *head, const char *name)
{
  const char *list = NULL;
  for (guint i = 0; i < head->fields->len; i++) {
    const HttpField *field = &g_array_index(head->fields, HttpField, i);
    if (g_ascii_strcasecmp(field->name, name) == 0)
      list = field->value;
  }
  if (list == NULL)
    return NULL;
  const char *element = list;
  gboolean is_quoted = FALSE;
  for (const char *p = list; *p != '\0'; p++) {
    if (*p == '"')
      is_quoted = !is_quoted;
    else if (*p == ',' && !is_quoted)
      element = p + 1;
  }
  return g_strstrip(g_strdup(element));
}

static char *
unquote(char *text)
{
  gsize length = strlen(text);
  if (length < 2 || text[0] != '"' || text[length - 1] != '"')
    return text;
  memmove(text, text + 1, length - 2);
  text[length - 2] = '\0';
  return text;
}

/* A parameter of the last Forwarded element: "for=192.0.2.1;proto=https". */
static char *
forwarded_parameter(const HttpHead *head, const char *name)
{
  g_autofree char *element = last_element(head, "Forwarded");
  g_auto(GStrv) pairs = g_strsplit(element != NULL ? element : "", ";", -1);
  for (char **pair = pairs; *pair != NULL; pair++) {
    char *equals = strchr(*pair, '=');
    if (equals == NULL)
      continue;
    *equals = '\0';
    if (g_ascii_strcasecmp(g_strstrip(*pair), name) == 0)
      return g_strdup(unquote(g_strstrip(equals + 1)));
  }
  return NULL;
}

static gboolean
is_port(const char *text)
{
  return g_ascii_string_to_unsigned(text, 10, 0, 65535, NULL, NULL);
}

/* Without brackets and port; NULL if it is not an address (RFC 7239 allows "unknown" and proxies' names, too). */
static char *
bare_address(char *node)
{
  unquote(node);
  char *colon = strrchr(node, ':');
  if (*node == '[') {
    char *bracket = strchr(node, ']');
    if (bracket == NULL || (bracket[1] != '\0' && (bracket[1] != ':' || !is_port(bracket + 2))))
      return NULL;
    *bracket = '\0';
    node++;
  } else if (colon != NULL && strchr(node, ':') == colon) { /* one colon: a port, two: IPv6 */
    if (!is_port(colon + 1))
      return NULL;
    *colon = '\0';
  }
  struct sockaddr_in in = {.sin_family = AF_INET};
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
  if (inet_pton(AF_INET, node, &in.sin_addr) == 1)
    return http_address_text((const struct sockaddr *)&in);
  if (inet_pton(AF_INET6, node, &in6.sin6_addr) == 1)
    return http_address_text((const struct sockaddr *)&in6);
  return NULL;
}

char *
http_address_forwarded(const HttpHead *head)
{
  g_autofree char *node = last_element(head, "X-Forwarded-For");
  if (node == NULL)
    node = forwarded_parameter(head, "for");
  return node != NULL ? bare_address(node) : NULL;
}

char *
http_address_forwarded_parameter(const HttpHead *head, const char *name)
{
  g_autofree char *header = g_strconcat("X-Forwarded-", name, NULL);
  char *value = last_element(head, header);
  return value != NULL ? value : forwarded_parameter(head, name);
}
