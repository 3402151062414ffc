/* A build without pages (-Dweb=false). */
#include "web/assets.h"

const WebAsset web_assets[1] = {{0}};
const guint web_n_assets = 0;
