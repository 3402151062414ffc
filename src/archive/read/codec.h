/* Decompresses the streams of an archive piece by piece, in constant memory: buffers, and for zstd the stream's window,
 * at most 128 MB.
 *
 * For each stream: reset, decode with every stored byte in order, finish. finish fails if the stream is incomplete.
 * decode fails (ARCHIVE_CORRUPT) on damage, on a wrong checksum (zlib always has one), and on bytes after the
 * stream's end. A second zlib stream counts as such bytes, as in pg_restore. Further LZ4 or zstd frames continue the
 * stream. */
#pragma once

#include "archive/toc/toc.h"

typedef struct Codec Codec;

/* Receives decompressed bytes, at least one. FALSE with an error set stops the decoding. */
typedef gboolean (*CodecSinkFunc)(const guint8 *data, gsize size, gpointer user_data, GError **error);

Codec *codec_new(ArchiveCompression compression);
void codec_free(Codec *codec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Codec, codec_free)

void codec_reset(Codec *codec);
gboolean codec_decode(Codec *codec, const guint8 *data, gsize size, CodecSinkFunc sink, gpointer user_data,
                      GError **error);
gboolean codec_finish(const Codec *codec, GError **error);
