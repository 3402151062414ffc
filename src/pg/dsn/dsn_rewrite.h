/* Rewrites users' connection strings for libpq. Private to pg/dsn.
 *
 * Input: libpq's two forms (libpq's documentation, "Connection Strings"), and other drivers' variants of the address
 * form: the scheme in any case, "jdbc:" before it, "+driver" after it, blanks and quotes around the whole, and their
 * parameters (dsn_parameters.def). A raw '@' or '/' in a password is detected and refused: libpq would take a part
 * of the password for a host or a port, and repeat it in its messages. */
#pragma once

#include "pg/dsn/dsn.h"

typedef struct {
  char *conninfo;                   /* keyword='value' pairs for libpq, with the secrets */
  GPtrArray *ignored;               /* names of the ignored parameters */
  gboolean has_percent_in_password; /* in an address, where '%' begins an encoded byte */
} DsnRewrite;

/* CONFIG if the string cannot be parsed, or requires something unsupported. The message never repeats a part that
 * could belong to a password. */
gboolean dsn_rewrite(const char *dsn, DsnRewrite *ret_rewrite, GError **error);
void dsn_rewrite_clear(DsnRewrite *rewrite);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DsnRewrite, dsn_rewrite_clear)

/* The raw parameters of a connection string, and whether each name is certain to be one. */
typedef struct {
  char *name, *value;
  gboolean is_certain; /* FALSE: it may be part of an unencoded password */
} DsnPair;

typedef struct {
  GArray *pairs; /* of DsnPair */
  gboolean is_address, has_percent_in_password;
} DsnPairs;

/* dsn_parse.c: parses the string. CONFIG as above. */
gboolean dsn_pairs_read(const char *dsn, DsnPairs *ret_pairs, GError **error);
void dsn_pairs_clear(DsnPairs *pairs);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DsnPairs, dsn_pairs_clear)

/* The last value with that name, or NULL. */
const char *dsn_pairs_get(const DsnPairs *pairs, const char *name);
void dsn_pairs_add(DsnPairs *pairs, const char *name, const char *value);

/* dsn_tls.c: names the system's certificate authorities for verify-full or sslrootcert=system, which libpq before 16
 * does not support. Changes the pairs. CONFIG if there is no such file. */
gboolean dsn_use_system_authorities(DsnPairs *pairs, GError **error);
