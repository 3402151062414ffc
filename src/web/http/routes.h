/* The web pages: one application, whose addresses all return the same document, and its files. */
#pragma once

#include "http/handler.h"

/* They need no context. */
extern const HttpRoute *const web_http_routes[];
