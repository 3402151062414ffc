/* The real server with one route, POST /upload, which answers multipart/form-data with a list of its parts; without a
 * listening socket. For the tests and the fuzzer of the upload path. */
#pragma once

#include "http/server.h"

typedef struct UploadServer UploadServer;

UploadServer *upload_server_new(guint idle_timeout_s);
void upload_server_free(UploadServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UploadServer, upload_server_free)

/* A new connection; returns the caller's end. */
int upload_server_connect(UploadServer *server);

/* Sends one request: the body with boundary "BOUNDARY" in pieces of `piece_bytes`. Returns the whole answer;
 * free with g_free. The answer to a whole upload has the body "name=bytes;" for each part, "name[file]=bytes;"
 * for a file. */
char *upload_server_exchange(UploadServer *server, const guint8 *body, gsize size, gsize piece_bytes);

/* The number of started uploads that are not freed yet; 0 after the end of every exchange. */
guint upload_server_n_open(UploadServer *server);
