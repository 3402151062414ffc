#include "pg/dsn/dsn_rewrite.h"

#include "base/error.h"

#include <string.h>

/* The file named by SSL_CERT_FILE, as for OpenSSL's programs, or the distribution's; NULL: there is none. */
static const char *
system_authorities(void)
{
  static const char *const files[] = {
      "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Alpine */
      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
      "/etc/pki/tls/certs/ca-bundle.crt",
      "/etc/ssl/ca-bundle.pem", /* SUSE */
      "/etc/ssl/cert.pem",      /* BSD, Alpine */
  };
  const char *named = g_getenv("SSL_CERT_FILE");
  if (named != NULL && *named != '\0')
    return g_file_test(named, G_FILE_TEST_EXISTS) ? named : NULL;
  for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
    if (g_file_test(files[i], G_FILE_TEST_EXISTS))
      return files[i];
  return NULL;
}

static const char *
option_or_environment(const DsnPairs *pairs, const char *name, const char *variable)
{
  const char *value = dsn_pairs_get(pairs, name);
  if (value == NULL || *value == '\0')
    value = g_getenv(variable);
  return value != NULL && *value != '\0' ? value : NULL;
}

/* libpq's own default. */
static gboolean
has_root_file(void)
{
  g_autofree char *path = g_build_filename(g_get_home_dir(), ".postgresql", "root.crt", NULL);
  return g_file_test(path, G_FILE_TEST_EXISTS);
}

gboolean
dsn_use_system_authorities(DsnPairs *pairs, GError **error)
{
  const char *mode = option_or_environment(pairs, "sslmode", "PGSSLMODE");
  const char *root = option_or_environment(pairs, "sslrootcert", "PGSSLROOTCERT");
  gboolean is_full = g_strcmp0(mode, "verify-full") == 0;
  gboolean is_system = g_strcmp0(root, "system") == 0;
  if (!is_system && (root != NULL || !is_full || has_root_file()))
    return TRUE;
  /* As in libpq 16: a certificate of a public authority proves nothing unless the host's name is checked. */
  if (is_system && mode != NULL && !is_full) {
    error_set(error, CCH_ERROR_CONFIG, "DSN: sslrootcert=system needs sslmode=verify-full");
    return FALSE;
  }
  const char *file = system_authorities();
  if (file == NULL) {
    error_set(error, CCH_ERROR_CONFIG,
              "DSN: sslmode=verify-full, and this system has no file of certificate authorities (the package "
              "ca-certificates, or SSL_CERT_FILE); name one by sslrootcert=FILE");
    return FALSE;
  }
  dsn_pairs_add(pairs, "sslrootcert", file);
  if (!is_full)
    dsn_pairs_add(pairs, "sslmode", "verify-full");
  return TRUE;
}
