/* The bundled files of the pages. The table is generated (web/tools/embed.mjs), or empty in a build without pages.
 * Everything in it is constant. */
#pragma once

#include <glib.h>

typedef struct {
  const char *path;         /* "/assets/index-Bx31.js" */
  const char *content_type; /* with charset for text */
  const char *etag;         /* quoted; of the content, whatever its encoding */
  const char *data;
  gsize size;
  const char *gzip; /* NULL if compression saves nothing */
  gsize gzip_size;
} WebAsset;

extern const WebAsset web_assets[];
extern const guint web_n_assets;
