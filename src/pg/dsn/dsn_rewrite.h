/* Connection strings as people have them, rewritten for libpq. Private to pg/dsn.
 *
 * Input: libpq's two forms (libpq's documentation, "Connection Strings"), and what other drivers make of the address
 * form: scheme in any case, "jdbc:" before it, "+driver" behind it, blanks and quotes around the whole, and their
 * parameters (dsn_parameters.def). A raw '@' or '/' in a password is recognised and refused, not guessed at: libpq
 * would take a part of the password for a host or a port, and repeat it in its messages. */
#pragma once

#include "pg/dsn/dsn.h"

typedef struct {
  char *conninfo;                   /* keyword='value' pairs that libpq knows, with the secrets */
  GPtrArray *ignored;               /* names of the parameters that were passed over */
  gboolean has_percent_in_password; /* in an address, where it begins an encoded byte */
} DsnRewrite;

/* CONFIG on a string that is not understood, or that asks for what cannot be had. The message never repeats a part that
 * could belong to a password. */
gboolean dsn_rewrite(const char *dsn, DsnRewrite *ret_rewrite, GError **error);
void dsn_rewrite_clear(DsnRewrite *rewrite);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DsnRewrite, dsn_rewrite_clear)

/* The parameters of a connection string as they stand there, and how certain it is that a name is one. */
typedef struct {
  char *name, *value;
  gboolean is_certain; /* FALSE: it may be a part of a password that was not encoded */
} DsnPair;

typedef struct {
  GArray *pairs; /* of DsnPair */
  gboolean is_address, has_percent_in_password;
} DsnPairs;

/* dsn_parse.c: takes the string apart. CONFIG as above. */
gboolean dsn_pairs_read(const char *dsn, DsnPairs *ret_pairs, GError **error);
void dsn_pairs_clear(DsnPairs *pairs);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DsnPairs, dsn_pairs_clear)

/* The last value of that name, or NULL. */
const char *dsn_pairs_get(const DsnPairs *pairs, const char *name);
void dsn_pairs_add(DsnPairs *pairs, const char *name, const char *value);

/* dsn_tls.c: names the system's certificate authorities where verify-full or sslrootcert=system ask for them, which
 * libpq before 16 does not know. Changes the pairs. CONFIG when there is no such file. */
gboolean dsn_use_system_authorities(DsnPairs *pairs, GError **error);
