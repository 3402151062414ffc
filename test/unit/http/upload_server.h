/* The true server with one route, POST /upload, which takes multipart/form-data and answers with what it got; without a
 * listening socket. For the tests of the upload path and its fuzzer. */
#pragma once

#include "http/server.h"

typedef struct UploadServer UploadServer;

UploadServer *upload_server_new(guint idle_timeout_s);
void upload_server_free(UploadServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UploadServer, upload_server_free)

/* A new connection; the caller's end. */
int upload_server_connect(UploadServer *server);

/* One request to its end: the body with boundary "BOUNDARY" is sent in pieces of `piece_bytes`. Returns all that came
 * back; free with g_free. The answer to a whole upload has the body "name=bytes;" for each part, "name[file]=bytes;"
 * for a file. */
char *upload_server_exchange(UploadServer *server, const guint8 *body, gsize size, gsize piece_bytes);

/* Uploads begun and not freed; 0 once every exchange has ended. */
guint upload_server_n_open(UploadServer *server);
