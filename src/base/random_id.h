/* Random identifiers: unique, and impossible to guess. */
#pragma once

#include <glib.h>

/* `n_bytes` of randomness as twice as many lowercase hexadecimal digits; free with g_free. libsodium ends the process
 * where the system has no source of randomness, so an identifier is never a weak one. */
char *random_id_new(gsize n_bytes);
