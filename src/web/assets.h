/* The pages' files, as they were bundled; the table is generated (web/tools/embed.mjs), or empty when the build is
 * without pages. Everything in it is constant. */
#pragma once

#include <glib.h>

typedef struct {
  const char *path;         /* "/assets/index-Bx31.js" */
  const char *content_type; /* with charset where it is text */
  const char *etag;         /* quoted; of the content, whichever coding it is sent in */
  const char *data;
  gsize size;
  const char *gzip; /* NULL where compressing saves nothing */
  gsize gzip_size;
} WebAsset;

extern const WebAsset web_assets[];
extern const guint web_n_assets;
