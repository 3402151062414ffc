/* jansson, with g_autoptr(json_t). Its numbers are doubles; use json_scan or json_tree for numbers that must stay
 * exact. */
#pragma once

#include <glib.h>
#include <jansson.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/* Compact text of any value; free with g_free. NULL for NULL, and for text that is not UTF-8. */
char *json_to_text(const json_t *value);
