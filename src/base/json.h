/* jansson, with g_autoptr(json_t). Its numbers are doubles: what must stay exact is read by json_scan. */
#pragma once

#include <glib.h>
#include <jansson.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/* Compact text of any value; free with g_free. */
char *json_to_text(const json_t *value);
