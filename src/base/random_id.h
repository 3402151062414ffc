/* Random identifiers: unique and unguessable. */
#pragma once

#include <glib.h>

/* `n_bytes` of randomness as lowercase hexadecimal digits; free with g_free. libsodium aborts if the system has no
 * source of randomness, so an identifier is never weak. */
char *random_id_new(gsize n_bytes);
