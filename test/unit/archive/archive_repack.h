/* Rewrites an archive, to test the writer against the reader and stock pg_restore. */
#pragma once

#include "archive/read/reader.h"
#include "archive/write/packer.h"

/* Rewrites the reader's archive (checked or scanned) at another level, with its data split into pieces of
 * `piece_bytes`. `shuffles`: entries are written in reverse order. Fails the test on an error. */
GByteArray *archive_repack(ArchiveReader *reader, ArchiveLevel level, gsize piece_bytes, gboolean shuffles);
